// The reaper: what pid 1 of a sandbox is after the stage's process was started. It adopts and reaps
// whatever loses its parent, passes signals on, and ends as soon as the stage's process has,
// whereupon the kernel kills everything that is left in the pid namespace (pid_namespaces(7)).
#pragma once

#include <sys/types.h>

namespace stagebox::sandbox::child {

/// `stage` is the pid of the stage's process. Never returns.
[[noreturn]] void reap_until_stage_ends(pid_t stage, int exit_fd);

}  // namespace stagebox::sandbox::child
