// Limits: how much of the machine one sandbox may use. What is set is enforced or the sandbox does
// not start; what is not set gets the default of limit_defaults.h where the machine can enforce it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/spec/controller_limits.h"

namespace stagebox::sandbox {

struct Limits {
  std::optional<double> cpus;  ///< CPU bandwidth in cores, averaged over 100 ms periods.
  /// Share of the CPU when others want it too: 1 to 10,000; everybody else has 100.
  std::optional<std::uint64_t> cpu_weight;
  std::optional<std::string> cpuset;       ///< Which processors, for example "0-3,6" (cpuset(7)).
  std::optional<std::string> cpuset_mems;  ///< Which memory nodes, in the same form.
  std::optional<std::uint64_t> memory;  ///< Bytes, page cache and tmpfs included; swap is closed.
  /// Bytes that are taken back last when the machine runs short.
  std::optional<std::uint64_t> memory_reservation;
  /// Bytes that files in /dev/shm may take, kDefaultShmSize without; they count as memory.
  std::optional<std::uint64_t> shm_size;
  std::optional<std::uint64_t> pids;    ///< Tasks (threads count), our pid 1 included.
  std::optional<std::uint64_t> disk;    ///< Bytes of everything writable; see scratch.h.
  std::optional<std::uint64_t> inodes;  ///< Files and directories of the same.
  /// Bytes a second from and to the disk that holds the scratch directory.
  std::optional<std::uint64_t> io_read;
  std::optional<std::uint64_t> io_write;
  std::optional<std::uint64_t> open_files;            ///< Descriptors of one process.
  std::optional<std::chrono::milliseconds> cpu_time;  ///< User and system, all processes together.
  std::optional<std::uint64_t> log;                   ///< Bytes of stdout and stderr together.
  ControllerLimits controllers;                       ///< Nothing that stages can ask for.

  [[nodiscard]] bool needs_cgroup() const {
    return cpus || cpu_weight || cpuset || cpuset_mems || memory || memory_reservation || pids ||
           io_read || io_write || cpu_time || !controllers.none();
  }
};

}  // namespace stagebox::sandbox
