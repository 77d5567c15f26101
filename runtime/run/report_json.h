// The exit report as JSON: one object with `cause`, its details, and `usage`. Stored with a run and
// printed by `exec --json` and `show --json`.
#pragma once

#include <string>

#include "sandbox/exit_report.h"

namespace stagebox::run {

std::string report_json(const sandbox::ExitReport& report);

}  // namespace stagebox::run
