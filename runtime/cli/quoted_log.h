// The end of a log within what is said of a run: indented, and each line as `stagebox logs` shows
// it.
#pragma once

#include <string>

#include "runtime/logs/log_writer.h"
#include "runtime/logs/shown_text.h"

namespace stagebox::cli {

/// Whole lines; empty for a log without text. That the end is cut is said above it.
std::string quoted_log(const logs::LogTail& tail, logs::Showing showing);

}  // namespace stagebox::cli
