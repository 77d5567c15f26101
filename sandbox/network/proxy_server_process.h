// What ProxyServer and its process say to each other: one message a sandbox, its rules as text (one
// a line) with three descriptors: control, listener, events.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>

namespace stagebox::sandbox::network {

inline constexpr std::size_t kMaxRulesText = std::size_t{64} << 10U;
inline constexpr std::size_t kSessionFds = 3;

/// The server's main function. Never returns.
[[noreturn]] void serve_sessions(int socket, std::optional<uid_t> unprivileged_id);

}  // namespace stagebox::sandbox::network
