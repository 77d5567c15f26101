// The `matrix` of a stage: `{os: [old, new], case: [small, large]}` makes four stages of one. Each
// is a stage like any other, called "test[old,small]"; matrix.NAME stands for its values. Some of
// the combinations can be left out (`exclude`), and others added (`include`).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scheduler/file/file_context.h"
#include "scheduler/file/matrix_rows.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// One combination of values.
struct MatrixVariant {
  std::vector<std::pair<std::string, std::string>> values;  ///< In the order of the file.
  /// All values of the row.
  [[nodiscard]] bool has(const MatrixRow& row) const;
  /// "[old,small]"; empty for the only variant of a stage without a matrix.
  [[nodiscard]] std::string suffix() const;
};

/// The combinations, the last name varying fastest, then what is included. With a mistake in the
/// matrix (reported) there is one, in which the values are unknown: so the rest of the stage is
/// still checked. `stage` may be anything that stands in the file where a stage should.
std::vector<MatrixVariant> read_matrix(const YamlNode& stage, FileContext& context);

}  // namespace stagebox::scheduler
