// MachineShare: how much of the machine this process may use: processors by its affinity and its
// cgroups' quotas, memory by its cgroups' limits, open files by its own. What stages declare is
// weighed against it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>

namespace stagebox::sandbox {

struct MachineShare {
  double cpus = 1;           ///< CPU seconds per second.
  std::uint64_t memory = 0;  ///< Bytes.
  /// The numbers of those that may be used; none: not known.
  std::optional<std::set<unsigned>> processors = {};
  std::uint64_t open_files = std::numeric_limits<std::uint64_t>::max();  ///< Of a process.
};

/// Of this process, now. Never fails: what cannot be read limits nothing.
MachineShare machine_share();

/// `share`, as far as the cgroup with the directory `dir` and all above it allow, of either version
/// (cpu.max, memory.max; cpu.cfs_quota_us, memory.limit_in_bytes).
MachineShare narrowed_by(MachineShare share, std::string dir);

}  // namespace stagebox::sandbox
