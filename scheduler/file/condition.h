// Conditions: the `if` of a stage. `params.build_type == 'Release' && !(matrix.os == 'old')`.
// Decided when the file is read: a condition sees the same values as the expressions of its stage.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "scheduler/file/expressions.h"

namespace stagebox::scheduler {

/// Operands are texts in single or double quotes, numbers, true, false, params.NAME, env.NAME and
/// matrix.NAME; operators are == and != (of texts, without regard to anything but the bytes), !, &&
/// and ||, in rising order of looseness, and parentheses. starts_with, ends_with and contains take
/// two operands, a text and a part of it, and are compared with nothing. An operand alone must be
/// true or false. It takes time in proportion to the text; nothing is looked up and nothing fails
/// but the reading.
/// The result is nothing when a value is wrong already (and has been reported). Of the mistakes in
/// its form the first is told, as what comes after it cannot be read; of those in its values all,
/// up to kMaxExpressionMistakes.
std::variant<std::optional<bool>, std::vector<ExpressionMistake>> evaluate_condition(
    std::string_view text, const ExpressionValues& values);

}  // namespace stagebox::scheduler
