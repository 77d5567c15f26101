// The written forms of sizes and durations: "1GiB", "500MB", "10m", "1h30m", "250ms".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::base {

/// A number of bytes: digits with an optional decimal fraction, and B (or nothing), kB/MB/GB/TB
/// (powers of 1000) or KiB/MiB/GiB/TiB (powers of 1024). kInvalid for anything else or over 2^63.
Result<std::uint64_t> parse_bytes(std::string_view text);
/// One or more of "<number><unit>" with the units h, m, s, ms in falling order; a bare number is
/// seconds.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "1.5 GiB", "12 KiB", "7 B".
std::string format_bytes(std::uint64_t bytes);
/// "1 stage", "2 stages".
std::string counted(std::uint64_t count, std::string_view noun);
/// "0.42s", "12.3s", "3m05s", "1h02m".
std::string format_duration(std::chrono::milliseconds duration);

}  // namespace stagebox::base
