#include "scheduler/yaml/yaml_node.h"

#include <algorithm>

#include "scheduler/diagnostics.h"
#include "scheduler/yaml/source_text.h"

namespace stagebox::scheduler {

bool YamlNode::is_null() const {
  if (kind != YamlKind::kScalar || style != ScalarStyle::kPlain) return false;
  const std::string_view text = scalar();
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

const YamlNode* YamlNode::find(std::string_view key) const {
  const std::span<const YamlEntry> all = entries();
  const auto found =
      std::ranges::find_if(all, [&](const YamlEntry& e) { return e.key->scalar() == key; });
  return found == all.end() ? nullptr : found->value;
}

Position YamlNode::position_at(std::size_t offset) const {
  if (layout == TextLayout::kOpaque) return position;
  const std::string_view before = scalar().substr(0, offset);
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0.
  const auto lines = static_cast<std::size_t>(std::ranges::count(before, '\n'));
  return {content.line + lines, content.column + count_characters(before.substr(line_begin))};
}

std::string describe(const YamlNode& node) {
  if (node.is_mapping()) return node.entries().empty() ? "an empty mapping" : "a mapping";
  if (node.is_sequence()) return node.items().empty() ? "an empty list" : "a list";
  if (node.is_null()) return "nothing";
  if (node.scalar().empty()) return "an empty text";
  if (node.style != ScalarStyle::kPlain) return "the text " + backquoted(node.scalar());
  if (node.scalar() == "true" || node.scalar() == "false") return backquoted(node.scalar());
  const bool numeric = node.scalar().find_first_not_of("0123456789.") == std::string_view::npos;
  return (numeric ? "the number " : "the text ") + backquoted(node.scalar());
}

}  // namespace stagebox::scheduler
