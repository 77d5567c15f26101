#include "runtime/cli/command_line/command_groups.h"

namespace stagebox::cli {

std::span<const CommandGroup> command_groups() {
  static const std::vector<CommandGroup> groups{
      {{"run"}, add_run},
      {{"resume", "cancel"}, add_resume_and_cancel},
      {{"check", "graph"}, add_check_and_graph},
      {{"exec"}, add_exec},
      {{"shell"}, add_shell},
      {{"image"}, add_image},
      {{"runs", "show", "logs", "tests", "artifacts"}, add_history},
      {{"explain"}, add_explain},
      {{"doctor", "gc", "pin", "unpin"}, add_maintenance},
      {{"completion", "manual", "names"}, add_shell_support},
      {{"cache"}, add_cache}};
  return groups;
}

}  // namespace stagebox::cli
