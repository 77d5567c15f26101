#include "runtime/cli/command_end.h"

#include <iostream>

#include "runtime/run/report_json.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {

namespace {

base::Result<std::string> json_of(const run::Finished& finished) {
  if (!finished.connection_log) return run::report_json(finished.report);
  const std::string log = TRY(run::read_connections(finished.connection_log.get()));
  return run::report_json_with_connections(finished.report, finished.connections, log);
}

}  // namespace

base::Result<void> tell_end(const run::Finished& finished, bool as_json) {
  // Who succeeded knew another way.
  const bool is_told = !finished.report.succeeded();
  for (const std::string& told : {run::describe_refusals(finished.connections),
                                  is_told ? run::describe_unreached(finished.connections) : "",
                                  run::describe_losses(finished.connections)}) {
    if (!told.empty()) std::cerr << "stagebox: " << scheduler::escape_controls(told) << '\n';
  }
  const auto* exited = std::get_if<sandbox::Exited>(&finished.report.cause);
  if (as_json) {
    const std::string report = TRY(json_of(finished));
    std::cerr << report << '\n';
  } else if (exited == nullptr || !exited->note.empty() ||
             !finished.report.denied_syscalls.empty() || !finished.report.likely_limits.empty()) {
    std::cerr << "stagebox: " << finished.report.describe() << '\n';
  }
  return {};
}

}  // namespace stagebox::cli
