#include "runtime/cli/command_line/command_mistake.h"

#include <CLI/CLI.hpp>

#include <string_view>
#include <vector>

#include "runtime/base/printable.h"
#include "scheduler/nearest_name.h"

namespace stagebox::cli {
namespace {

// All that are described: where the first word is no command, those are all there are.
std::vector<std::string> commands_of(CLI::App& above) {
  std::vector<std::string> names;
  for (const CLI::App* below : above.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(below->get_name());
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
  const bool lacks_command = app->get_require_subcommand_min() > 0;
  if (lacks_command && depth >= arguments.size()) return "no command is given; " + help;
  if (!lacks_command || std::string_view(arguments[depth]).starts_with('-'))
    return std::string(error.what()) + "; " + help;
  const std::string_view word = arguments[depth];
  const std::vector<std::string> names = commands_of(*app);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto nearest = scheduler::nearest_name(word, views);
  const std::string hint = nearest ? "; did you mean \"" + *nearest + "\"?" : ";";
  return "there is no command " + base::printable(word) + hint + " " + help;
}

}  // namespace stagebox::cli
