#include "runtime/cli/command_line/command_mistake.h"

#include <CLI/CLI.hpp>

#include <optional>
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

std::string suggestion(std::string_view word, const std::vector<std::string>& names) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto nearest = scheduler::nearest_name(word, views);
  return nearest ? "; did you mean \"" + *nearest + "\"? " : "; ";
}

// The first word of those that nothing takes that is written as an option, without its value.
std::optional<std::string> unknown_option(const CLI::App& app) {
  for (const std::string& word : app.remaining()) {
    if (word.size() > 1 && word[0] == '-' && word != "--") return word.substr(0, word.find('='));
  }
  return std::nullopt;
}

std::string mistake_of(const CLI::App& app, const CLI::Error& error) {
  const bool is_of_words = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  const auto option = is_of_words ? unknown_option(app) : std::nullopt;
  if (!option) return std::string(error.what()) + "; ";
  std::vector<std::string> names;
  for (const CLI::Option* known : app.get_options()) {
    for (const std::string& name : known->get_lnames()) names.push_back("--" + name);
  }
  return "there is no option " + base::printable(*option) + suggestion(*option, names);
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
    return mistake_of(*app, error) + help;
  const std::string_view word = arguments[depth];
  return "there is no command " + base::printable(word) + suggestion(word, commands_of(*app)) +
         help;
}

}  // namespace stagebox::cli
