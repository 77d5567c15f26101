// Cgroup usage: what the kernel counted for a whole cgroup. Has to be read before the cgroup goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/cgroup/cgroup_place.h"

namespace stagebox::sandbox {

/// How long at least one task of the cgroup waited for a resource: the `total` of the "some" lines
/// of cpu.pressure, memory.pressure and io.pressure (psi.rst).
struct Pressure {
  std::chrono::microseconds cpu{};
  std::chrono::microseconds memory{};
  std::chrono::microseconds io{};
};

/// Zero where the kernel does not count.
struct CgroupUsage {
  /// cpu.stat user_usec and system_usec; v1: cpuacct.usage, divided as cpuacct.usage_user and
  /// usage_sys are.
  std::chrono::microseconds user_cpu{};
  std::chrono::microseconds system_cpu{};
  /// How long its threads, added up, were held back by the limit of `cpus`: cpu.stat
  /// throttled_usec; v1: throttled_time.
  std::chrono::microseconds cpu_throttled{};
  std::uint64_t peak_memory = 0;     ///< Bytes, page cache included: memory.peak (Linux 5.19); v1:
                                     ///< memory.max_usage_in_bytes
  std::uint64_t memory_refused = 0;  ///< How often its own memory limit could not be kept by
                                     ///< reclaim; v1 does not count that (see OomEvents).
  std::uint64_t oom_kills = 0;       ///< Processes killed for want of memory, whoever's.
  std::uint64_t pids_refused = 0;    ///< Forks that failed at the pids limit.
  /// Bytes to and from block devices; page cache hits are not among them. In v1 writes through the
  /// page cache are not either.
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::optional<Pressure> pressure;  ///< v2, where the kernel has PSI.
};

/// Adds what the directory `dir` of a hierarchy like `place` counted.
void add_usage(const CgroupPlace& place, const std::string& dir, CgroupUsage& usage);

/// Only the CPU time, for asking often.
std::chrono::microseconds cpu_time_used(const CgroupPlace& place, const std::string& dir);

}  // namespace stagebox::sandbox
