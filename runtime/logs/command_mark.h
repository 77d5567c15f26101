// Where in what a stage writes the mark of a command (workflow_command.h) is, found as fast as
// memory is read: most logs have none.
#pragma once

#include <cstddef>
#include <string_view>

namespace stagebox::logs {

inline constexpr std::string_view kCommandMark = "::";

/// From `from` on; npos: there is none.
std::size_t find_command_mark(std::string_view text, std::size_t from);

}  // namespace stagebox::logs
