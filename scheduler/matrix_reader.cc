#include "scheduler/matrix_reader.h"

#include <algorithm>
#include <optional>

#include "scheduler/names.h"
#include "scheduler/value_reader.h"

namespace stagebox::scheduler {
namespace {

using Axis = std::pair<std::string, std::vector<std::string>>;

// Parts of a stage's name, and of its log's file name.
constexpr std::size_t kMaxValue = 40;
constexpr std::size_t kMaxAxes = 4;

bool is_value(std::string_view text) {
  static constexpr std::string_view kOther = "_.+-:@=";
  return !text.empty() && text.size() <= kMaxValue && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           kOther.find(c) != std::string_view::npos;
  });
}

std::optional<Axis> read_axis(const YamlEntry& entry, const ValueReader& reader) {
  const std::string name(entry.key->scalar());
  Diagnostics& diagnostics = reader.diagnostics();
  const std::string what = "the values of " + backquoted(name) + " in `matrix`";
  if (!check_name(NameKind::kParam, name, entry.key->position, diagnostics)) return std::nullopt;
  if (!reader.expect_sequence(*entry.value, what, "[small, large]")) return std::nullopt;
  auto values = reader.texts(*entry.value, what);
  if (!values || values->size() != entry.value->items().size()) return std::nullopt;
  if (values->empty()) {
    diagnostics.add(entry.value->position, what + " are none", "list at least one");
    return std::nullopt;
  }
  for (std::size_t i = 0; i < values->size(); ++i) {
    const Position position = entry.value->items()[i]->position;
    if (!is_value((*values)[i])) {
      diagnostics.add(
          position,
          "the matrix value " + backquoted((*values)[i]) + " cannot be part of a stage's name",
          "use up to 40 letters, digits and _ . + - : @ =; longer texts can be chosen by it in the "
          "script");
      return std::nullopt;
    }
    if (std::ranges::count(*values, (*values)[i]) > 1) {
      diagnostics.add(position,
                      "the matrix value " + backquoted((*values)[i]) + " stands there twice",
                      "remove one of them");
      return std::nullopt;
    }
  }
  return Axis{name, std::move(*values)};
}

std::vector<MatrixVariant> combine(const std::vector<Axis>& axes) {
  std::vector<MatrixVariant> variants(1);
  for (const auto& [name, values] : axes) {
    std::vector<MatrixVariant> longer;
    longer.reserve(variants.size() * values.size());
    for (const MatrixVariant& variant : variants) {
      for (const std::string& value : values) {
        longer.push_back(variant);
        longer.back().values.emplace_back(name, value);
      }
    }
    variants = std::move(longer);
  }
  return variants;
}

}  // namespace

std::string MatrixVariant::suffix() const {
  if (values.empty()) return "";
  std::string text;
  for (const auto& [name, value] : values) text += (text.empty() ? "[" : ",") + value;
  return text + "]";
}

std::vector<MatrixVariant> read_matrix(const YamlNode& stage, FileContext& context) {
  const YamlNode* node = stage.is_mapping() ? stage.find("matrix") : nullptr;
  if (node == nullptr) return {MatrixVariant{}};
  const ExpressionValues values(context.params, context.budget);
  const ValueReader reader(context.diagnostics, values);
  if (!reader.expect_mapping(*node, "`matrix`", "{case: [small, large]}")) return {MatrixVariant{}};
  if (!context.within(node->entries().size(), kMaxAxes, "names in a matrix", node->position))
    return {MatrixVariant{}};
  std::vector<Axis> axes;
  std::size_t count = 1;
  for (const YamlEntry& entry : node->entries()) {
    if (entry.duplicate) continue;
    auto axis = read_axis(entry, reader);
    if (!axis) return {MatrixVariant{}};
    count *= axis->second.size();
    if (!context.within(count, FileLimits::kMatrix, "combinations in a matrix", node->position))
      return {MatrixVariant{}};
    axes.push_back(std::move(*axis));
  }
  if (axes.empty())
    context.diagnostics.add(node->position, "`matrix` is empty",
                            "write for example {case: [small, large]}");
  return combine(axes);
}

}  // namespace stagebox::scheduler
