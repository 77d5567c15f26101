// Limits: how much of the machine one sandbox may use. What is set is enforced or the sandbox does
// not start; what is not set is not limited by us.
#pragma once

#include <cstdint>
#include <optional>

namespace stagebox::sandbox {

struct Limits {
  std::optional<double> cpus;           ///< CPU bandwidth in cores, averaged over 100 ms periods.
  std::optional<std::uint64_t> memory;  ///< Bytes, page cache and tmpfs included; swap is closed.
  std::optional<std::uint64_t> pids;    ///< Tasks (threads count), our pid 1 included.
  std::optional<std::uint64_t> disk;    ///< Bytes of everything writable; see scratch.h.

  [[nodiscard]] bool needs_cgroup() const { return cpus || memory || pids; }
};

}  // namespace stagebox::sandbox
