// Times as people give and read them.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/base/result.h"

namespace stagebox::cli {

/// Nanoseconds since 1970. "10m" is ten minutes before `now`, "1d12h" a day and a half;
/// "2026-05-04T12:00:00Z" (with an optional fraction, and "+02:00" for Z) is that time, and
/// "2026-05-04 12:00" in this machine's time zone, as is "2026-05-04", the midnight that the day
/// begins with. `option` is for the message.
base::Result<std::int64_t> parse_time(const std::string& option, const std::string& text,
                                      std::int64_t now);
/// "2026-05-04T12:00:00.123Z".
std::string format_time(std::int64_t nanoseconds);
/// "2026-05-04 12:00:00" in this machine's time zone, which parse_time reads.
std::string format_local_time(std::int64_t nanoseconds);

}  // namespace stagebox::cli
