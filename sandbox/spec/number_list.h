// Lists of processors or memory nodes, as cpuset(7) has them: "0-3,7". Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::sandbox {

/// As many as system calls are told of.
inline constexpr std::size_t kMaxListed = 1024;
/// Bit i of word n stands for number 64 * n + i.
using NumberMask = std::array<std::uint64_t, kMaxListed / 64>;

/// kInvalid for a list that is none, is empty or has a number that is too large.
base::Result<NumberMask> parse_number_list(std::string_view text);

}  // namespace stagebox::sandbox
