// The `matrix` of a stage: `{os: [old, new], case: [small, large]}` makes four stages of one. Each
// is a stage like any other, called "test[old,small]"; matrix.NAME stands for its values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scheduler/file_context.h"
#include "scheduler/yaml_node.h"

namespace stagebox::scheduler {

/// One combination of values.
struct MatrixVariant {
  std::vector<std::pair<std::string, std::string>> values;  ///< In the order of the file.
  /// "[old,small]"; empty for the only variant of a stage without a matrix.
  [[nodiscard]] std::string suffix() const;
};

/// The combinations, the last name varying fastest. With a mistake in the matrix (reported) there
/// is one, in which the values are unknown: so the rest of the stage is still checked. `stage` may
/// be anything that stands in the file where a stage should.
std::vector<MatrixVariant> read_matrix(const YamlNode& stage, FileContext& context);

}  // namespace stagebox::scheduler
