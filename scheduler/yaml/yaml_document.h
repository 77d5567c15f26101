// YamlDocument: the bytes of a YAML file as a tree of nodes with positions. This is the only place
// that touches libyaml. It takes a careful subset: one document, text keys, no tags, no merge keys;
// and it has limits, because the bytes may come from an attacker.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "scheduler/diagnostics.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// Reasons for the limits: people write files of some kilobytes, generators of some hundred.
struct YamlLimits {
  std::size_t bytes = std::size_t{4} << 20U;
  std::size_t depth = 100;
  std::size_t nodes = 500'000;  ///< About 30 MB of memory.
  /// What aliases may add, in the units of YamlNode::weight: stops "billion laughs".
  std::size_t alias_weight = std::size_t{4} << 20U;
};

/// What the file is, for the messages.
enum class YamlFile { kPipeline, kPolicy };

/// Owns the nodes and what they refer to; all stays where it is when the document is moved.
class YamlDocument {
 public:
  [[nodiscard]] const YamlNode& root() const { return *root_; }

  YamlNode& add_node() {
    ++count_;
    return *allocator().new_object<YamlNode>();
  }
  /// A copy of `values` that lives as long as the document.
  template <typename T>
  std::span<const T> keep(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (values.empty()) return {};
    T* const kept = allocator().allocate_object<T>(values.size());
    std::ranges::uninitialized_copy(values, std::span(kept, values.size()));
    return {kept, values.size()};
  }
  [[nodiscard]] std::size_t node_count() const { return count_; }
  void set_root(const YamlNode& node) { root_ = &node; }
  [[nodiscard]] bool has_root() const { return root_ != nullptr; }

 private:
  static_assert(std::is_trivially_destructible_v<YamlNode>);
  std::pmr::polymorphic_allocator<> allocator() { return memory_.get(); }

  std::unique_ptr<std::pmr::monotonic_buffer_resource> memory_ =
      std::make_unique<std::pmr::monotonic_buffer_resource>();
  std::size_t count_ = 0;
  const YamlNode* root_ = nullptr;
};

/// Adds every mistake to `diagnostics`. Without a document when the syntax is broken or a limit is
/// exceeded; with one when the mistakes leave a readable tree (duplicate keys, tags, ...).
std::optional<YamlDocument> parse_yaml(std::string_view bytes, Diagnostics& diagnostics,
                                       const YamlLimits& limits = {},
                                       YamlFile file = YamlFile::kPipeline);

}  // namespace stagebox::scheduler
