// Commands that print what a shell and man(1) want to know of the command line.
#include <algorithm>
#include <iostream>

#include "runtime/base/printable.h"
#include "runtime/cli/command_line/command_tree.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/completion.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/manual.h"

namespace stagebox::cli {
namespace {

base::Result<void> check_path(const CommandInfo& root, const std::vector<std::string>& path) {
  const std::vector<CommandInfo>* commands = &root.commands;
  for (const std::string& name : path) {
    const auto found = std::ranges::find(*commands, name, &CommandInfo::name);
    if (found == commands->end())
      return base::not_found("there is no command " + base::printable(name) +
                             "; `stagebox --help` lists them");
    commands = &found->commands;
  }
  return {};
}

void list_pages(const CommandInfo& command, const std::string& words) {
  std::cout << words << '\n';
  for (const CommandInfo& below : command.commands) list_pages(below, words + " " + below.name);
}

}  // namespace

base::Result<int> completion_command(const CompletionOptions& options) {
  std::cout << completion_script(command_tree(), options.shell);
  return kSuccess;
}

base::Result<int> manual_command(const ManualOptions& options) {
  const CommandInfo root = command_tree();
  if (options.list) {
    list_pages(root, root.name);
    return kSuccess;
  }
  TRY(check_path(root, options.command));
  std::cout << manual_page(root, options.command);
  return kSuccess;
}

}  // namespace stagebox::cli
