// The standard streams of a command in a sandbox of its own: ours, or a terminal between which and
// ours a TerminalRelay goes.
#pragma once

#include "runtime/base/result.h"
#include "runtime/cli/terminal_relay.h"
#include "runtime/run/engine/launcher.h"

namespace stagebox::cli {

enum class Terminal {
  kNone,  ///< The command gets our standard streams.
  kOwn,   ///< It gets a terminal of the sandbox: pass_terminal().
};

base::Result<void> give_standard_streams(Terminal terminal, run::LaunchRequest& request);

/// The command's terminal is read by the supervisor, as every output, and written by the relay,
/// which outlives the launch.
void pass_terminal(run::LaunchRequest& request, TerminalRelay& relay);

}  // namespace stagebox::cli
