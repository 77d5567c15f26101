// Limit defaults: what a sandbox may use when nothing was said. A default protects the machine
// where it can; unlike a limit that was asked for, it refuses nothing where it cannot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/cgroup/cgroup_tree.h"
#include "sandbox/spec/limits.h"
#include "sandbox/spec/sandbox_spec.h"

namespace stagebox::sandbox {

/// More than the largest parallel build starts, less than what makes a machine unusable.
inline constexpr std::uint64_t kDefaultPids = 4096;
/// The part of the machine's memory: one stage out of control is killed before the machine is.
inline constexpr double kDefaultMemoryShare = 0.75;
/// Where only `inodes` was asked for. Nothing is reserved by it.
inline constexpr std::uint64_t kDefaultDisk = std::uint64_t{16} << 30;
/// Where only `disk` was asked for: the ratio of ext4.
inline constexpr std::uint64_t kBytesPerInode = std::uint64_t{16} << 10;
/// A bound for what one process can hold of the kernel's memory, enough for any build we know of.
inline constexpr std::uint64_t kDefaultOpenFiles = 16384;

struct EffectiveLimits {
  Limits limits;
  /// Names of what should have had a default and has no limit at all.
  std::vector<std::string> unenforced;
};
EffectiveLimits with_defaults(const Limits& asked, const CgroupTree& cgroups);

/// Adds the limit on open files; one that is in `rlimits` already stays where `limits` has none.
/// Either way it is returned. kUnsupported when it is above what this process may give.
base::Result<std::uint64_t> add_open_files(const Limits& limits, std::vector<Rlimit>& rlimits);

}  // namespace stagebox::sandbox
