#include "scheduler/file/matrix_rows.h"

#include <algorithm>

#include "scheduler/file/names.h"

namespace stagebox::scheduler {
namespace {

// Parts of a stage's name, and of its log's file name.
constexpr std::size_t kMaxValue = 40;

bool is_matrix_value(std::string_view text) {
  static constexpr std::string_view kOther = "_.+-:@=";
  return !text.empty() && text.size() <= kMaxValue && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           kOther.find(c) != std::string_view::npos;
  });
}

std::optional<MatrixRow> read_row(const YamlNode& node, const std::string& what,
                                  const ValueReader& reader, FileContext& context) {
  if (!reader.expect_mapping(node, "each item of " + what, "{os: old}")) return std::nullopt;
  if (node.entries().empty()) {
    context.diagnostics.add(node.position, "an item of " + what + " is empty",
                            "write for example {os: old}");
    return std::nullopt;
  }
  if (!context.within(node.entries().size(), kMaxMatrixNames, "names in a matrix", node.position))
    return std::nullopt;
  MatrixRow row{.values = {}, .position = node.position};
  bool good = true;
  for (const YamlEntry& entry : node.entries()) {
    std::string name(entry.key->scalar());
    good = good && !entry.duplicate &&
           check_name(NameKind::kParam, name, entry.key->position, context.diagnostics);
    auto text = reader.text(*entry.value, "the value of " + backquoted(name) + " in " + what);
    if (!text || !check_matrix_value({*text, entry.value->position}, context.diagnostics))
      good = false;
    else
      row.values.emplace_back(std::move(name), std::move(*text));
  }
  return good ? std::optional(std::move(row)) : std::nullopt;
}

}  // namespace

const std::string* MatrixRow::find(std::string_view name) const {
  const auto found = std::ranges::find(values, name, &std::pair<std::string, std::string>::first);
  return found == values.end() ? nullptr : &found->second;
}

bool check_matrix_value(const PlacedText& value, Diagnostics& diagnostics) {
  if (is_matrix_value(value.text)) return true;
  diagnostics.add(
      value.position,
      "the matrix value " + backquoted(value.text) + " cannot be part of a stage's name",
      "use up to 40 letters, digits and _ . + - : @ =; longer texts can be chosen by it in the "
      "script");
  return false;
}

std::optional<std::vector<MatrixRow>> read_matrix_rows(const YamlNode& node, std::string_view key,
                                                       const ValueReader& reader,
                                                       FileContext& context) {
  const std::string what = backquoted(key) + " in `matrix`";
  if (!reader.expect_sequence(node, what, "[{os: old, case: large}]") ||
      !context.within(node.items().size(), FileLimits::kMatrix, "items of " + what, node.position))
    return std::nullopt;
  std::vector<MatrixRow> rows;
  bool good = true;
  for (const YamlNode* item : node.items()) {
    auto row = read_row(*item, what, reader, context);
    good = good && row;
    if (row) rows.push_back(std::move(*row));
  }
  return good ? std::optional(std::move(rows)) : std::nullopt;
}

}  // namespace stagebox::scheduler
