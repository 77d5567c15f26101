#include "runtime/cli/command_end.h"

#include <iostream>

#include "runtime/run/report_json.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {

void tell_end(const run::Finished& finished, bool as_json) {
  const std::string refusals = run::describe_refusals(finished.connections);
  if (!refusals.empty()) std::cerr << "stagebox: " << scheduler::escape_controls(refusals) << '\n';
  const auto* exited = std::get_if<sandbox::Exited>(&finished.report.cause);
  if (as_json) {
    std::cerr << run::report_json(finished.report) << '\n';
  } else if (exited == nullptr || !exited->note.empty() ||
             !finished.report.denied_syscalls.empty() || !finished.report.likely_limits.empty()) {
    std::cerr << "stagebox: " << finished.report.describe() << '\n';
  }
}

}  // namespace stagebox::cli
