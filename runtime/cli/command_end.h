// What is told at the end of a command that ran in a sandbox of its own (exec, shell).
#pragma once

#include "runtime/run/engine/launcher.h"

namespace stagebox::cli {

/// On standard error: what its network refused or did not write down, and how it ended where the
/// status does not say it; as JSON all of it.
base::Result<void> tell_end(const run::Finished& finished, bool as_json);

}  // namespace stagebox::cli
