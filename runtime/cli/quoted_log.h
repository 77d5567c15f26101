// The end of a log within what is said of a run: indented, and each line as `stagebox logs` shows
// it.
#pragma once

#include <string>

#include "runtime/logs/last_lines.h"
#include "runtime/logs/shown_text.h"
#include "runtime/run/stage_record.h"

namespace stagebox::cli {

/// Whole lines; empty for a log that says nothing. Where a line is cut stands an ellipsis.
std::string quoted_log(const logs::LogTail& tail, logs::Showing showing);

/// The same of a service because of which a stage failed, with a line before it; it says so when
/// the service said nothing.
std::string quoted_service_log(const run::FailedService& service, logs::Showing showing);

}  // namespace stagebox::cli
