#include "runtime/cli/command_line/options.h"

#include <algorithm>
#include <span>

#include "runtime/base/version.h"
#include "runtime/cli/command_line/command_groups.h"
#include "runtime/cli/command_line/command_mistake.h"
#include "runtime/cli/command_line/command_set.h"

namespace stagebox::cli {
namespace {

using base::Result;

// The group of the command that is meant; all of them when that is none of ours.
void describe_for(std::string_view command, CommandSet& commands) {
  const auto groups = command_groups();
  const auto meant = std::ranges::find_if(groups, [command](const CommandGroup& group) {
    return std::ranges::find(group.commands, command) != group.commands.end();
  });
  for (auto group = groups.begin(); group != groups.end(); ++group) {
    if (meant == groups.end() || group == meant) group->add(commands);
  }
}

// Of the command before --help, with all words that lead to it.
std::string printed(const CLI::Success& success, CLI::App& root) {
  if (dynamic_cast<const CLI::CallForVersion*>(&success) != nullptr)
    return std::string("stagebox ") + base::kVersion + "\n";
  return root.help();
}

}  // namespace

Result<Options> parse_options(int argc, const char* const* argv) {
  const std::span<const char* const> arguments(argv + std::min(argc, 1),
                                               static_cast<std::size_t>(std::max(argc - 1, 0)));
  CommandSet commands;
  describe_for(arguments.empty() ? "" : arguments.front(), commands);
  try {
    commands.root().parse(argc, argv);
  } catch (const CLI::Success& success) {
    return Options(PrintAndExit{printed(success, commands.root())});
  } catch (const CLI::Error& error) {
    return base::invalid(command_mistake(commands.root(), error, arguments));
  }
  return commands.take();
}

}  // namespace stagebox::cli
