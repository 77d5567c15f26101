// ControllerLimits: what the kernel's cgroup controllers can hold a sandbox to besides what stages
// are given limits of, in the words of the OCI runtime specification (config-linux.md, "Control
// groups"). As values. What is set is enforced or the sandbox does not start; nothing has a
// default.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace stagebox::sandbox {

/// What stands for "as much as there is".
inline constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

/// Microseconds: the period of a quota where none is given (sched-bwc.rst).
inline constexpr std::uint64_t kKernelCpuPeriod = 100'000;

inline constexpr std::uint64_t kMinDiskWeight = 10;
inline constexpr std::uint64_t kMaxDiskWeight = 1000;

/// Of one disk (block device), all processes together.
struct DiskLimits {
  unsigned major = 0;
  unsigned minor = 0;
  std::optional<std::uint64_t> read_bytes;  ///< A second; above 0.
  std::optional<std::uint64_t> write_bytes;
  std::optional<std::uint64_t> read_operations;
  std::optional<std::uint64_t> write_operations;
  std::optional<std::uint64_t> weight;  ///< 10 to 1000; instead of BlockIo::weight.
};

struct BlockIo {
  std::optional<std::uint64_t> weight;  ///< 10 to 1000; everybody else has 100.
  std::vector<DiskLimits> disks;        ///< One for each disk.
};

struct HugePageLimit {
  std::string page_size;    ///< "2MB", as in the names of the kernel's files.
  std::uint64_t bytes = 0;  ///< 0: none.
};

struct RdmaLimit {
  std::string device;
  std::optional<std::uint32_t> handles;
  std::optional<std::uint32_t> objects;
};

struct ControllerLimits {
  std::optional<std::uint64_t> swap;  ///< Bytes, besides Limits::memory; none: swap is closed.
  std::optional<std::uint64_t> swappiness;       ///< 0 to 100; v1 alone has it.
  std::optional<std::uint64_t> cpu_period;       ///< Microseconds; none: the kernel's.
  std::optional<std::uint64_t> cpu_burst;        ///< Microseconds that may be saved up.
  std::optional<std::uint64_t> cpu_idle;         ///< 1: SCHED_IDLE for all.
  std::optional<std::int64_t> realtime_runtime;  ///< Microseconds; v1 alone has it.
  std::optional<std::uint64_t> realtime_period;  ///< The same.
  BlockIo block_io;
  std::vector<HugePageLimit> huge_pages;
  std::optional<std::uint32_t> network_class;               ///< v1 alone has it.
  std::map<std::string, std::uint32_t> network_priorities;  ///< By interface; the same.
  std::vector<RdmaLimit> rdma;
  /// Files of cgroup v2 and what is written to them, after everything else.
  std::map<std::string, std::string> unified;

  [[nodiscard]] bool none() const {
    return !swap && !swappiness && !cpu_period && !cpu_burst && !cpu_idle && !realtime_runtime &&
           !realtime_period && !block_io.weight && block_io.disks.empty() && huge_pages.empty() &&
           !network_class && network_priorities.empty() && rdma.empty() && unified.empty();
  }
};

}  // namespace stagebox::sandbox
