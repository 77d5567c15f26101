// ProxySession's process: the proxy of one sandbox. It accepts on the socket that listens inside
// the sandbox's network namespace and connects, if the allow-list says so, from the machine's own.
// It serves one sandbox only, holds no privilege and no descriptor but those it needs, and ends
// with its sandbox. See proxy_server.h.
#pragma once

#include "runtime/base/unique_fd.h"
#include "sandbox/network/allow_list.h"

namespace stagebox::sandbox::network {

struct SessionFds {
  /// Hung up or shut down by the supervisor: time to end. Gets ConnectionLog::finish() then.
  base::UniqueFd control;
  base::UniqueFd listener;  ///< Listening, in the sandbox's network namespace.
  base::UniqueFd events;    ///< For ConnectionLog.
};

/// Connections at the same time; more wait in the listener's backlog.
inline constexpr unsigned kMostConnections = 128;

/// Never returns; the process ends. The caller has confined it already.
[[noreturn]] void run_session(SessionFds fds, const AllowList& allowed);

}  // namespace stagebox::sandbox::network
