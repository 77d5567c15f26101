// The standard streams of a command in a sandbox of its own: ours, as far as they can be given
// away, or a terminal between which and ours a TerminalRelay goes.
#pragma once

#include "runtime/base/result.h"
#include "runtime/cli/input_relay.h"
#include "runtime/cli/terminal_relay.h"
#include "runtime/run/engine/launcher.h"

namespace stagebox::cli {

enum class Terminal {
  kNone,  ///< The command gets our standard streams: give_standard_streams().
  kOwn,   ///< It gets a terminal of the sandbox: pass_terminal().
};

/// Pipes, sockets and devices go in as they are. Not so a terminal, whose settings a command could
/// leave as it likes and make deaf to Ctrl-C, nor a file, which it could empty, and, where it has
/// the owner's id, make set-id: what is written to them goes through a pipe, files are read through
/// one, and for a terminal that would be read there is /dev/null. `input` outlives the launch. With
/// kOwn none of ours goes in.
base::Result<void> give_standard_streams(Terminal terminal, run::LaunchRequest& request,
                                         InputRelay& input);

/// The command's terminal is read by the supervisor, as every output, and written by the relay,
/// which outlives the launch.
void pass_terminal(run::LaunchRequest& request, TerminalRelay& relay);

}  // namespace stagebox::cli
