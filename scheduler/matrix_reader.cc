#include "scheduler/matrix_reader.h"

#include <algorithm>
#include <limits>
#include <set>

#include "scheduler/names.h"
#include "scheduler/value_reader.h"

namespace stagebox::scheduler {
namespace {

// A name and its values.
struct Axis {
  std::string name;
  std::vector<std::string> values;  // Each once; without those that are wrong.
  std::size_t size = 0;             // Of the values, with those that are wrong.
  bool good = true;
};

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

// Whether it can be one more value of the axis; says so if not.
bool check_value(const PlacedText& value, std::set<std::string>& seen, Diagnostics& diagnostics) {
  if (!is_value(value.text)) {
    diagnostics.add(
        value.position,
        "the matrix value " + backquoted(value.text) + " cannot be part of a stage's name",
        "use up to 40 letters, digits and _ . + - : @ =; longer texts can be chosen by it in the "
        "script");
    return false;
  }
  if (seen.insert(value.text).second) return true;
  diagnostics.add(value.position,
                  "the matrix value " + backquoted(value.text) + " stands there twice",
                  "remove one of them");
  return false;
}

void read_values(const YamlNode& node, const ValueReader& reader, Axis& axis) {
  const std::string what = "the values of " + backquoted(axis.name) + " in `matrix`";
  const std::size_t items = node.items().size();
  if (reader.expect_sequence(node, what, "[small, large]") && items == 0)
    reader.diagnostics().add(node.position, what + " are none", "list at least one");
  if (items == 0) {
    axis.good = false;
    return;
  }
  axis.size = items;
  std::set<std::string> seen;
  for (PlacedText& value : reader.placed_texts(node, what)) {
    if (check_value(value, seen, reader.diagnostics()))
      axis.values.push_back(std::move(value.text));
    else if (seen.contains(value.text))
      --axis.size;
  }
  axis.good = axis.good && axis.values.size() == items;
}

std::vector<Axis> read_axes(const YamlNode& node, const ValueReader& reader) {
  std::vector<Axis> axes;
  for (const YamlEntry& entry : node.entries()) {
    if (entry.duplicate) continue;
    Axis axis{.name = std::string(entry.key->scalar()), .values = {}};
    axis.good = check_name(NameKind::kParam, axis.name, entry.key->position, reader.diagnostics());
    read_values(*entry.value, reader, axis);
    axes.push_back(std::move(axis));
  }
  return axes;
}

// An axis whose values are unknown counts as one of them.
std::size_t combinations(const std::vector<Axis>& axes) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  std::size_t count = 1;
  for (const Axis& axis : axes) {
    const std::size_t size = std::max(axis.size, std::size_t{1});
    count = count > kMost / size ? kMost : count * size;
  }
  return count;
}

std::vector<MatrixVariant> combine(const std::vector<Axis>& axes) {
  std::vector<MatrixVariant> variants(1);
  for (const Axis& axis : axes) {
    std::vector<MatrixVariant> longer;
    longer.reserve(variants.size() * axis.values.size());
    for (const MatrixVariant& variant : variants) {
      for (const std::string& value : axis.values) {
        longer.push_back(variant);
        longer.back().values.emplace_back(axis.name, value);
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
  const std::vector<Axis> axes = read_axes(*node, reader);
  if (axes.empty())
    context.diagnostics.add(node->position, "`matrix` is empty",
                            "write for example {case: [small, large]}");
  const bool good = std::ranges::all_of(axes, &Axis::good);
  if (!context.within(combinations(axes), FileLimits::kMatrix, "combinations in a matrix",
                      node->position) ||
      !good)
    return {MatrixVariant{}};
  return combine(axes);
}

}  // namespace stagebox::scheduler
