#include "scheduler/file/matrix_reader.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "scheduler/file/matrix_rows.h"
#include "scheduler/file/names.h"
#include "scheduler/file/value_reader.h"
#include "scheduler/nearest_name.h"

namespace stagebox::scheduler {
namespace {

// A name and its values.
struct Axis {
  std::string name;
  std::vector<std::string> values;  // Each once; without those that are wrong.
  std::size_t size = 0;             // Of the values, with those that are wrong.
  bool good = true;
};

constexpr std::string_view kExclude = "exclude";
constexpr std::string_view kInclude = "include";

// Whether it can be one more value of the axis; says so if not.
bool check_value(const PlacedText& value, std::set<std::string>& seen, Diagnostics& diagnostics) {
  if (!check_matrix_value(value, diagnostics)) return false;
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

bool is_list_of_rows(std::string_view key) { return key == kExclude || key == kInclude; }

std::vector<Axis> read_axes(const YamlNode& node, const ValueReader& reader) {
  std::vector<Axis> axes;
  for (const YamlEntry& entry : node.entries()) {
    if (entry.duplicate || is_list_of_rows(entry.key->scalar())) continue;
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

// One matrix. Its functions return false, or nothing, when there is a mistake, which is reported.
class MatrixReader {
 public:
  MatrixReader(const YamlNode& node, const ValueReader& reader, FileContext& context)
      : node_(node), reader_(reader), context_(context) {}

  std::optional<std::vector<MatrixVariant>> read() {
    if (!reader_.expect_mapping(node_, "`matrix`", "{case: [small, large]}")) return std::nullopt;
    auto variants = combinations_of_axes();
    // What is wrong in them is told in any case.
    const bool excluded = variants ? exclude(*variants) : read_rows(kExclude).has_value();
    const bool included = variants ? include(*variants) : read_rows(kInclude).has_value();
    if (!variants || !excluded || !included) return std::nullopt;
    if (variants->empty())
      return mistake(node_.position, "no combination of the matrix is left",
                     "exclude less, or include one");
    if (!context_.within(variants->size(), FileLimits::kMatrix, kCombinations, node_.position))
      return std::nullopt;
    return variants;
  }

 private:
  static constexpr std::string_view kCombinations = "combinations in a matrix";
  using Rows = std::vector<MatrixRow>;

  std::nullopt_t mistake(Position position, std::string_view message, std::string_view hint) {
    context_.diagnostics.add(position, message, hint);
    return std::nullopt;
  }

  std::optional<std::vector<MatrixVariant>> combinations_of_axes() {
    const auto names = std::ranges::count_if(node_.entries(), [](const YamlEntry& entry) {
      return !is_list_of_rows(entry.key->scalar());
    });
    if (!context_.within(static_cast<std::size_t>(names), kMaxMatrixNames, "names in a matrix",
                         node_.position))
      return std::nullopt;
    const std::vector<Axis> axes = read_axes(node_, reader_);
    for (const Axis& axis : axes) names_.push_back(axis.name);
    if (axes.empty()) {
      if (node_.find(kInclude) != nullptr) return std::vector<MatrixVariant>();
      return mistake(node_.position, "`matrix` is empty",
                     "write for example {case: [small, large]}");
    }
    if (!context_.within(combinations(axes), FileLimits::kMatrix, kCombinations, node_.position) ||
        !std::ranges::all_of(axes, &Axis::good))
      return std::nullopt;
    return combine(axes);
  }

  std::optional<Rows> read_rows(std::string_view key) {
    const YamlNode* node = node_.find(key);
    return node == nullptr ? Rows() : read_matrix_rows(*node, key, reader_, context_);
  }

  bool exclude(std::vector<MatrixVariant>& variants) {
    const auto rows = read_rows(kExclude);
    if (!rows) return false;
    const std::vector<MatrixVariant> all = variants;
    bool good = true;
    for (const MatrixRow& row : *rows) {
      if (!has_known_names(row)) {
        good = false;
        continue;
      }
      const auto fits = [&row](const MatrixVariant& variant) { return variant.has(row); };
      if (std::ranges::none_of(all, fits)) {
        good = false;
        mistake(row.position, "this `exclude` fits no combination of the matrix",
                "correct its values, or remove it");
      }
      std::erase_if(variants, fits);
    }
    return good;
  }

  bool include(std::vector<MatrixVariant>& variants) {
    const auto rows = read_rows(kInclude);
    if (!rows) return false;
    if (names_.empty() && !rows->empty()) {
      for (const auto& [name, value] : rows->front().values) names_.push_back(name);
    }
    bool good = true;
    for (const MatrixRow& row : *rows) {
      auto variant = complete(row);
      if (variant &&
          std::ranges::any_of(variants, [&row](const auto& one) { return one.has(row); }))
        variant = mistake(row.position, "the matrix has this combination already", "remove it");
      good = good && variant;
      if (variant) variants.push_back(std::move(*variant));
    }
    return good;
  }

  std::optional<MatrixVariant> complete(const MatrixRow& row) {
    if (!has_known_names(row)) return std::nullopt;
    MatrixVariant variant;
    for (const std::string& name : names_) {
      const std::string* value = row.find(name);
      if (value == nullptr)
        return mistake(row.position, "this `include` has no value for " + backquoted(name),
                       "write one for each name of the matrix");
      variant.values.emplace_back(name, *value);
    }
    return variant;
  }

  bool has_known_names(const MatrixRow& row) {
    const std::vector<std::string_view> known(names_.begin(), names_.end());
    return std::ranges::all_of(row.values, [&](const auto& value) {
      if (std::ranges::find(known, value.first) != known.end()) return true;
      mistake(row.position, "unknown name of the matrix " + backquoted(value.first),
              name_hint(value.first, known));
      return false;
    });
  }

  const YamlNode& node_;
  const ValueReader& reader_;
  FileContext& context_;
  std::vector<std::string> names_;
};

}  // namespace

bool MatrixVariant::has(const MatrixRow& row) const {
  return std::ranges::all_of(row.values, [this](const auto& value) {
    return std::ranges::find(values, value) != values.end();
  });
}

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
  auto variants = MatrixReader(*node, ValueReader(context.diagnostics, values), context).read();
  return variants ? std::move(*variants) : std::vector{MatrixVariant{}};
}

}  // namespace stagebox::scheduler
