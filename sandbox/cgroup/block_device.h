// The disk under a directory, as the kernel names it in cgroup files.
#pragma once

#include <string>

#include "runtime/base/result.h"

namespace stagebox::sandbox {

/// "major:minor" of the whole disk that holds the open directory; limits on a partition are refused
/// by the kernel. kUnsupported where there is no one disk (btrfs, overlay, tmpfs, network).
base::Result<std::string> disk_of(int dir_fd);

}  // namespace stagebox::sandbox
