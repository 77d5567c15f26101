// Copying a large file and hashing the copy at the same time: the kernel copies on one processor
// while what has arrived is hashed on another. Internal to the store.
#pragma once

#include <cstdint>

#include "runtime/base/result.h"
#include "runtime/store/content/blob_reader.h"
#include "runtime/store/content/copy_bounds.h"

namespace stagebox::store {

/// From this size on, in bytes, a thread of its own costs nothing beside the copy.
inline constexpr std::uint64_t kLargeFile = std::uint64_t{8} << 20U;

/// Copies all of the regular file `from` to the empty file `to`, which nobody else writes, and
/// hashes what is there. The position of `from` does not matter.
base::Result<CopyResult> copy_and_hash(int from, int to, const CopyBounds& bounds);

}  // namespace stagebox::store
