// The modification time of everything that is made of stored content, so that it tells nothing of
// when that was stored, or made visible.
#pragma once

#include <ctime>

namespace stagebox::base {

/// 2000-01-01T00:00:00Z: after 1980, before which zip files cannot go.
inline constexpr time_t kStoredTime = 946684800;

}  // namespace stagebox::base
