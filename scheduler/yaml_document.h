// YamlDocument: the bytes of a YAML file as a tree of nodes with positions. This is the only place
// that touches libyaml. It takes a careful subset: one document, text keys, no tags, no merge keys;
// and it has limits, because the bytes may come from an attacker.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string_view>

#include "scheduler/diagnostics.h"
#include "scheduler/yaml_node.h"

namespace stagebox::scheduler {

/// Reasons for the limits: people write files of some kilobytes, generators of some hundred.
struct YamlLimits {
  std::size_t bytes = std::size_t{4} << 20U;
  std::size_t depth = 100;
  std::size_t nodes = 500'000;  ///< About 80 MB of memory.
  /// What aliases may add, in the units of YamlNode::weight: stops "billion laughs".
  std::size_t alias_weight = std::size_t{4} << 20U;
};

/// Owns the nodes; they stay where they are when the document is moved.
class YamlDocument {
 public:
  [[nodiscard]] const YamlNode& root() const { return *root_; }

  YamlNode& add_node() { return nodes_.emplace_back(); }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }
  void set_root(const YamlNode& node) { root_ = &node; }
  [[nodiscard]] bool has_root() const { return root_ != nullptr; }

 private:
  std::deque<YamlNode> nodes_;
  const YamlNode* root_ = nullptr;
};

/// Adds every mistake to `diagnostics`. Without a document when the syntax is broken or a limit is
/// exceeded; with one when the mistakes leave a readable tree (duplicate keys, tags, ...).
std::optional<YamlDocument> parse_yaml(std::string_view bytes, Diagnostics& diagnostics,
                                       const YamlLimits& limits = {});

}  // namespace stagebox::scheduler
