// Relay: passes bytes between two connected sockets until both sides are done.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace stagebox::sandbox::network {

/// Longer than any server or client of practice keeps a silent connection.
inline constexpr std::chrono::minutes kIdleTimeout{15};

struct RelayedBytes {
  std::uint64_t sent = 0;      ///< From `client` to `target`.
  std::uint64_t received = 0;  ///< From `target` to `client`.
};

/// The same while bytes are passed on; another thread may look.
struct RelayProgress {
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> received{0};
  [[nodiscard]] RelayedBytes so_far() const { return {sent.load(), received.load()}; }
};

/// Both sockets are non-blocking and stay the caller's. A side that has said everything is told so
/// to the other one (shutdown(2)), which may go on. Returns when both have ended, one of them
/// broke, or neither had anything to say for kIdleTimeout. Memory is bounded: who reads slowly
/// slows the other down. Adds what it passes on to `progress`.
void relay(int client, int target, RelayProgress& progress);

}  // namespace stagebox::sandbox::network
