// Rows: what stands below `exclude` and `include` in a `matrix`, such as {os: old, case: large}:
// one value for each of some names.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/file/file_context.h"
#include "scheduler/file/value_reader.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

struct MatrixRow {
  std::vector<std::pair<std::string, std::string>> values;  ///< In the order of the file.
  Position position;

  /// Of the value; nullptr when it has none of that name.
  [[nodiscard]] const std::string* find(std::string_view name) const;
};

/// Names in a matrix, and so in a row.
constexpr std::size_t kMaxMatrixNames = 4;

/// Whether it can be a value of a matrix; says so if not.
bool check_matrix_value(const PlacedText& value, Diagnostics& diagnostics);

/// `key`: "exclude" or "include". Nothing when there is a mistake, which is reported.
std::optional<std::vector<MatrixRow>> read_matrix_rows(const YamlNode& node, std::string_view key,
                                                       const ValueReader& reader,
                                                       FileContext& context);

}  // namespace stagebox::scheduler
