// What ProxyServer and its process say to each other: one message a sandbox, its rules as text (one
// a line) with three descriptors: control, listener, events.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>

#include "sandbox/spec/seccomp_program.h"

namespace stagebox::sandbox::network {

inline constexpr std::size_t kMaxRulesText = std::size_t{64} << 10U;
inline constexpr std::size_t kSessionFds = 3;

/// What is left to each session.
struct Confinement {
  std::optional<uid_t> unprivileged_id;  ///< See ProxyServer::start.
  std::shared_ptr<const SeccompProgram> filter;
};

/// The server's main function. Never returns.
[[noreturn]] void serve_sessions(int socket, const Confinement& confinement);

}  // namespace stagebox::sandbox::network
