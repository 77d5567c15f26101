// The exit report as JSON: one object with `cause`, its details, `usage` and, of a stage that has
// them, `caches`. Stored with a run and printed by `exec --json` and `show --json`.
#pragma once

#include <string>
#include <vector>

#include "runtime/run/cache_report.h"
#include "sandbox/exit_report.h"

namespace stagebox::run {

std::string report_json(const sandbox::ExitReport& report,
                        const std::vector<CacheReport>& caches = {});

}  // namespace stagebox::run
