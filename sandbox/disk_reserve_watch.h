// Watches the file system under scratch directories that have no limit of their own: before it is
// full, whoever fills it is killed, the largest first, and nobody else.
#pragma once

#include <chrono>
#include <optional>

#include "runtime/base/result.h"
#include "sandbox/disk_share.h"
#include "sandbox/supervision.h"

namespace stagebox::sandbox {

/// What has to stay free, given what is free when the sandbox starts: 1 GiB and 10,000 files, or a
/// quarter of what there is when that is less.
DiskSpace disk_reserve(const DiskSpace& free);

/// How long the reserve cannot be touched; none: it is.
std::optional<std::chrono::milliseconds> until_reserve(const DiskSpace& free,
                                                       const DiskSpace& reserve);

/// What a sandbox has to hold to be the one that is killed. `taken` is what all together took since
/// it started: whoever has half of that goes at once. While that does not help (`looks` counts), it
/// is half as much each time, so that the largest goes first although nobody knows of the others;
/// what is less than `least` helps nobody.
DiskSpace notable_share(const DiskSpace& taken, const DiskSpace& least, unsigned looks);

/// Of a sandbox that holds everything it writes below the directory `dir_fd`, which stays open as
/// long as the watch lives. Whoever holds next to nothing is not to blame, however little is free.
/// When the disk is as good as full for seconds and nobody can be blamed (files without a name are
/// not seen), all go, and the cause says that they did not fill it.
base::Result<Watch> watch_disk_reserve(int dir_fd);

/// Whether what a sandbox holds below `dir_fd` is so little that its disk would be as full without
/// it: less than a sixteenth of the reserve of that disk when it was empty.
bool holds_next_to_nothing(int dir_fd);

}  // namespace stagebox::sandbox
