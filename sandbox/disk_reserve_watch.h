// Watches the file system under scratch directories that have no limit of their own: a sandbox that
// is about to fill it is killed before others suffer.
#pragma once

#include <cstdint>

#include "runtime/base/result.h"
#include "sandbox/supervision.h"

namespace stagebox::sandbox {

struct DiskSpace {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
};

/// What has to stay free, given what is free when the sandbox starts: 1 GiB and 10,000 files, or a
/// quarter of what there is when that is less.
DiskSpace disk_reserve(const DiskSpace& free);

Watch::Answer look_at_reserve(const DiskSpace& free, const DiskSpace& reserve);

/// `dir_fd` is in the file system, and stays open as long as the watch lives.
base::Result<Watch> watch_disk_reserve(int dir_fd);

}  // namespace stagebox::sandbox
