// What asks a process of Stagebox's that is not started again when somebody kills it: the worker
// server, the proxy server.
#pragma once

#include <cerrno>
#include <cstddef>
#include <span>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::sandbox {

/// errno of errors by which such a process is known to be gone: whatever needs it cannot be done
/// any more.
inline constexpr int kHelperGone = EOWNERDEAD;
/// kSystem; `what` it does: "reads reports and images".
base::Error helper_gone(std::string_view what);

/// As send_message(), to a process that does `what`.
base::Result<void> send_to_helper(int socket, std::span<const std::byte> data,
                                  std::span<const int> fds, std::string_view what);

}  // namespace stagebox::sandbox
