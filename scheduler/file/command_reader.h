// read_command: what a stage or a service executes, or a check of it: a script for a shell, or a
// list of arguments. No expression's value ever becomes code.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "scheduler/file/value_reader.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// The kernel's bound for one argument, or one variable with its name, in bytes and with the zero
/// at its end (MAX_ARG_STRLEN, execve(2)).
inline constexpr std::size_t kLongestArgument = std::size_t{128} << 10U;

struct ReadCommand {
  std::variant<Script, Argv> command;
  std::map<std::string, std::string> variables;  ///< That the script's expressions became.
};

/// `what` is its key, for messages; `shell` is what will run a script.
std::optional<ReadCommand> read_command(const YamlNode& node, std::string_view what,
                                        const std::vector<std::string>& shell,
                                        const ValueReader& reader);

}  // namespace stagebox::scheduler
