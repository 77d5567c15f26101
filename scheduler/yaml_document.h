// YamlDocument: the bytes of a YAML file as a tree of nodes with positions. This is the only place
// that touches libyaml. It takes a careful subset: one document, text keys, no tags, no merge keys;
// and it has limits, because the bytes may come from an attacker.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

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

  YamlNode& add_node() {
    if (count_ % kBlock == 0) blocks_.push_back(std::make_unique<YamlNode[]>(kBlock));
    return blocks_.back()[count_++ % kBlock];
  }
  [[nodiscard]] std::size_t node_count() const { return count_; }
  void set_root(const YamlNode& node) { root_ = &node; }
  [[nodiscard]] bool has_root() const { return root_ != nullptr; }

 private:
  static constexpr std::size_t kBlock = 128;

  std::vector<std::unique_ptr<YamlNode[]>> blocks_;
  std::size_t count_ = 0;
  const YamlNode* root_ = nullptr;
};

/// Adds every mistake to `diagnostics`. Without a document when the syntax is broken or a limit is
/// exceeded; with one when the mistakes leave a readable tree (duplicate keys, tags, ...).
std::optional<YamlDocument> parse_yaml(std::string_view bytes, Diagnostics& diagnostics,
                                       const YamlLimits& limits = {});

}  // namespace stagebox::scheduler
