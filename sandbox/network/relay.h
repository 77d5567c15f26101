// Relay: passes bytes between two connected sockets until both sides are done.
#pragma once

#include <chrono>
#include <cstdint>

namespace stagebox::sandbox::network {

/// Longer than any server or client of practice keeps a silent connection.
inline constexpr std::chrono::minutes kIdleTimeout{15};

struct RelayedBytes {
  std::uint64_t sent = 0;      ///< From `client` to `target`.
  std::uint64_t received = 0;  ///< From `target` to `client`.
};

/// Both sockets are non-blocking and stay the caller's. A side that has said everything is told so
/// to the other one (shutdown(2)), which may go on. Returns when both have ended, one of them
/// broke, or neither had anything to say for kIdleTimeout. Memory is bounded: who reads slowly
/// slows the other down.
RelayedBytes relay(int client, int target);

}  // namespace stagebox::sandbox::network
