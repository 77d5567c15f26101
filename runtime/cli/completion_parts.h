// What the completion scripts of all shells are made of. Internal to completion_*.cc.
#pragma once

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "runtime/base/joined.h"
#include "runtime/cli/command_line/command_tree.h"

namespace stagebox::cli::completion {

/// The words of a command: "image", "import".
using Path = std::vector<std::string>;
using Visit = std::function<void(const Path&, const CommandInfo&)>;

/// What can stand where a value is wanted.
enum class Wanted {
  kFile,
  kRun,
  kImage,
  kTarget,  ///< A stage of the pipeline file.
  kStage,   ///< A stage of the run that is the first argument.
  kOutput,  ///< STAGE.OUTPUT of that run.
  kNothing
};
Wanted wanted_by(const OptionInfo& option);
/// What prints the values, a line each; `first`: the first argument, as the shell has it. Empty for
/// files and for nothing.
std::string list_of(Wanted wanted, const std::string& first);

using base::joined;
std::vector<std::string> flags_of(const CommandInfo& command);
std::vector<std::string> names_of(const std::vector<CommandInfo>& commands);
bool takes_value(const OptionInfo& option);
/// All ways to write an option that the next word is the value of.
std::vector<std::string> valued_flags(const CommandInfo& command);
std::vector<OptionInfo> arguments_of(const CommandInfo& command);
void for_each_command(const CommandInfo& root, const Visit& visit);

/// For bash and zsh: the functions that list_of() names.
extern const char* const kLists;
/// For them, too: from a command and the word behind it to the command that both are, to an option
/// whose value comes next, or to how many arguments there are.
void word_cases(std::ostream& out, const CommandInfo& root);
/// The case of an argument in a script for them.
std::string position_case(std::size_t position, const OptionInfo& argument);

std::string bash_script(const CommandInfo& root);
std::string zsh_script(const CommandInfo& root);
std::string fish_script(const CommandInfo& root);

}  // namespace stagebox::cli::completion
