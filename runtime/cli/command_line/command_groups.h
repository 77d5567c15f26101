// command_groups: which commands there are, in groups that are described together. To describe an
// option takes longer than to parse it, so only the group of the command that is given is
// described.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace stagebox::cli {

class CommandSet;

struct CommandGroup {
  std::vector<std::string_view> commands;
  void (*add)(CommandSet& commands);
};

/// In the order in which help lists them.
std::span<const CommandGroup> command_groups();

// pipeline_commands.cc
void add_run(CommandSet& commands);
void add_resume_and_cancel(CommandSet& commands);
void add_check_and_graph(CommandSet& commands);
// sandbox_commands.cc
void add_exec(CommandSet& commands);
void add_shell(CommandSet& commands);
// image_commands.cc
void add_image(CommandSet& commands);
// history_commands.cc
void add_history(CommandSet& commands);
void add_explain(CommandSet& commands);
// upkeep_commands.cc
void add_maintenance(CommandSet& commands);
void add_shell_support(CommandSet& commands);
void add_cache(CommandSet& commands);

}  // namespace stagebox::cli
