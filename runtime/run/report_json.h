// The exit report as JSON: one object with `cause`, its details, `usage` and, of a stage that has
// them, `caches`. Stored with a run and printed by `exec --json` and `show --json`.
#pragma once

#include <string>
#include <vector>

#include "runtime/run/cache_report.h"
#include "runtime/run/engine/connections.h"
#include "sandbox/exit_report.h"

namespace stagebox::run {

/// The same of a command that had an allow-list: with `connections`, and `connection_events` of
/// what the log says (docs/events.md).
std::string report_json_with_connections(const sandbox::ExitReport& report,
                                         const ConnectionSummary& connections,
                                         const std::string& log);

std::string report_json(const sandbox::ExitReport& report,
                        const std::vector<CacheReport>& caches = {});

}  // namespace stagebox::run
