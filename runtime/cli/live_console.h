// The live console: what happened scrolls by as plain lines, and below them stands, redrawn a few
// times a second, what goes on. For terminals; LiveBoard decides what is written.
#pragma once

#include <memory>

#include "runtime/cli/console.h"
#include "runtime/run/run_listener.h"
#include "scheduler/cancel_token.h"

namespace stagebox::cli {

/// Whether `fd` is a terminal that can move its cursor.
bool can_be_live(int fd);

/// Writes to `fd`, a terminal; the plan outlives it. `jobs`: how many stages run at the same time;
/// `cancel`: the run's.
std::unique_ptr<run::RunListener> make_live_console(int fd, const scheduler::Plan& plan,
                                                    unsigned jobs, Colour colour,
                                                    scheduler::CancelToken cancel);

}  // namespace stagebox::cli
