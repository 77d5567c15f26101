// The system call filter of pid 1 after set-up: it waits, signals everybody, writes one record and
// ends. Whoever took it over could do nothing else.
#pragma once

namespace stagebox::sandbox::child {

/// 0, or -errno. Needs no_new_privs.
int load_reaper_filter(int exit_fd);

}  // namespace stagebox::sandbox::child
