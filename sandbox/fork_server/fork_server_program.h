// The fork server's program: where its bytes are, and how it comes to run without being a file.
#pragma once

#include <sys/types.h>

#include <csignal>

#include "runtime/base/result.h"

namespace stagebox::sandbox {

/// Executes the program from a sealed memory file (memfd_create(2), Linux 3.17) with an empty
/// environment and this signal mask; `socket` becomes its kServerSocket. The caller waits for the
/// process. However many threads there are.
base::Result<pid_t> spawn_fork_server(int socket, const sigset_t& signals);

}  // namespace stagebox::sandbox
