// The modification time of everything that is made of stored content, so that it tells nothing of
// when that was stored, or made visible.
#pragma once

#include <sys/stat.h>

#include <ctime>

namespace stagebox::base {

/// 2000-01-01T00:00:00Z: after 1980, before which zip files cannot go.
inline constexpr time_t kStoredTime = 946684800;
/// The same for utimensat(2), as used now.
inline constexpr struct timespec kStoredTimes[2] = {{0, UTIME_NOW}, {kStoredTime, 0}};

}  // namespace stagebox::base
