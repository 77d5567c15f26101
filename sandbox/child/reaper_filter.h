// The system call filter of pid 1 after set-up: it waits, signals the stage's process or
// everybody, writes one record and ends. Whoever took it over could do nothing else.
#pragma once

#include <sys/types.h>

namespace stagebox::sandbox::child {

/// 0, or -errno. Needs no_new_privs. `stage` is the pid of the stage's process.
int load_reaper_filter(pid_t stage, int exit_fd);

}  // namespace stagebox::sandbox::child
