// Disk share: how much of a file system is held by what lies below one directory, for telling who
// fills it. The tree may be hostile.
#pragma once

#include <cstdint>

namespace stagebox::sandbox {

struct DiskSpace {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
};

/// What the files and directories below `dir_fd` take on its file system; a file of several names
/// counts once if all of them are here. Stops as soon as one of `enough` is reached. Does not see
/// files without a name, and what cannot be read. `enough` of a deep tree (DirStack) whose
/// directories are moved away each time it is counted: whoever does that hides something.
DiskSpace held_below(int dir_fd, const DiskSpace& enough);

}  // namespace stagebox::sandbox
