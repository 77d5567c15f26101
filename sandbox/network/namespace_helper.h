// A process of its own that does something in a sandbox's network namespace, before there is a
// command in it.
#pragma once

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "runtime/base/result.h"
#include "sandbox/network/network_channel.h"

namespace stagebox::sandbox::network {

/// `act` returns 0 or an errno. It runs in a process that was forked from one with threads: it is
/// async-signal-safe (signal-safety(7)) and allocates nothing. `what` is attempted, for the Error.
template <typename Act>
base::Result<void> in_namespaces(const HandedOutNamespaces& namespaces, const std::string& what,
                                 const Act& act) {
  const pid_t helper = ::fork();
  if (helper < 0) return base::errno_error("fork");
  if (helper == 0) {
    if (::setns(namespaces.user.get(), CLONE_NEWUSER) != 0 ||
        ::setns(namespaces.network.get(), CLONE_NEWNET) != 0)
      ::_exit(errno);
    ::_exit(act());
  }
  int status = 0;
  while (::waitpid(helper, &status, 0) < 0) {
    if (errno != EINTR) return base::errno_error("wait for a process");
  }
  const int failure = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
  if (failure == 0) return {};
  return base::system_error(what, failure);
}

}  // namespace stagebox::sandbox::network
