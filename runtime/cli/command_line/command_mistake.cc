#include "runtime/cli/command_line/command_mistake.h"

#include <CLI/CLI.hpp>

#include <string_view>
#include <vector>

#include "runtime/base/printable.h"
#include "runtime/cli/command_line/command_groups.h"
#include "scheduler/nearest_name.h"

namespace stagebox::cli {
namespace {

// Of the group of commands `above`: of the root all, whether they are described or not.
std::vector<std::string> commands_of(CLI::App& above, const CLI::App& root) {
  std::vector<std::string> names;
  if (&above == &root) {
    for (const CommandGroup& group : command_groups())
      names.insert(names.end(), group.commands.begin(), group.commands.end());
  } else {
    for (const CLI::App* below : above.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(below->get_name());
  }
  return names;
}

}  // namespace

std::string command_mistake(CLI::App& root, const CLI::Error& error,
                            std::span<const char* const> arguments) {
  CLI::App* app = &root;
  std::string path = "stagebox";
  std::size_t depth = 0;
  for (; !app->get_subcommands().empty(); ++depth) {
    app = app->get_subcommands().front();
    path += " " + app->get_name();
  }
  const std::string help = "see `" + path + " --help`";
  const std::vector<std::string> names = commands_of(*app, root);
  // Below it are commands and none of them was found.
  const bool has_no_command = !names.empty() && app->get_require_subcommand_min() > 0;
  if (!has_no_command) return std::string(error.what()) + "; " + help;
  if (depth >= arguments.size()) return "no command is given; " + help;
  const std::string_view word = arguments[depth];
  if (word.starts_with('-')) return std::string(error.what()) + "; " + help;
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto nearest = scheduler::nearest_name(word, views);
  const std::string hint = nearest ? "; did you mean \"" + *nearest + "\"?" : ";";
  return "there is no command " + base::printable(word) + hint + " " + help;
}

}  // namespace stagebox::cli
