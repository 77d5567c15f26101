#include "runtime/cli/completion.h"

#include <vector>

#include "runtime/cli/completion_parts.h"

namespace stagebox::cli {
namespace {

/// The names alone.
std::vector<CommandInfo> bare(const std::vector<CommandInfo>& commands) {
  std::vector<CommandInfo> names;
  for (const CommandInfo& command : commands)
    names.push_back({command.name, command.help, {}, bare(command.commands)});
  return names;
}

/// `manual` takes the words of a command: for a completion they are commands below it.
CommandInfo with_pages(CommandInfo root) {
  for (CommandInfo& command : root.commands) {
    if (command.name == "manual") command.commands = bare(root.commands);
  }
  return root;
}

}  // namespace

std::string completion_script(const CommandInfo& commands, Shell shell) {
  const CommandInfo root = with_pages(commands);
  switch (shell) {
    case Shell::kFish:
      return completion::fish_script(root);
    case Shell::kZsh:
      return completion::zsh_script(root);
    case Shell::kBash:
      break;
  }
  return completion::bash_script(root);
}

}  // namespace stagebox::cli
