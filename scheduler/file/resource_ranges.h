// Between which bounds each of a stage's `resources` may lie: wherever it is asked for, in a
// pipeline file or on a command line. Below them a kernel or a sandbox would take a value for
// something else (0 is no limit to a tmpfs and to v1's blkio), or nothing could start.
#pragma once

#include <cstdint>

#include "scheduler/file/range.h"

namespace stagebox::scheduler {

inline constexpr std::uint64_t kLeastBytes = std::uint64_t{1} << 20U;
inline constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 50U;
inline constexpr Range<double> kCpuRange{0.01, 4096, "the kernel divides CPU time into hundredths"};
inline constexpr Range<std::uint64_t> kMemoryRange{kLeastBytes, kMostBytes,
                                                   "no process starts with less"};
inline constexpr Range<std::uint64_t> kShmRange{kLeastBytes, kMostBytes, ""};
inline constexpr Range<std::uint64_t> kPidsRange{
    2, 4'194'304, "the first process of the sandbox and the stage itself are two"};
inline constexpr Range<std::uint64_t> kDiskRange{kLeastBytes, kMostBytes, ""};
inline constexpr Range<std::uint64_t> kWeightRange{1, 10'000, "the kernel's own bounds"};
inline constexpr Range<std::uint64_t> kInodesRange{64, 1'000'000'000,
                                                   "the stage's own directories count"};
inline constexpr Range<std::uint64_t> kIoRange{64U << 10U, kMostBytes,
                                               "less stops a stage altogether"};
inline constexpr Range<std::uint64_t> kOpenFilesRange{16, 1U << 20U, "programs need some to start"};
inline constexpr Range<std::uint64_t> kOutputsRange{1, 1'000'000, "a tree can have no more"};
inline constexpr Range<std::uint64_t> kLogRange{1024, kMostBytes, ""};

}  // namespace stagebox::scheduler
