// merged_views: what the copy-on-write directories of a sandbox came to, seen from outside when it
// is dead: their upper directories over what they were laid upon, read-only and detached.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/scratch.h"

namespace stagebox::sandbox {

struct CopyOnWrite {
  std::size_t index = 0;  ///< Scratch::overlay_upper
  int lower = -1;         ///< O_PATH; a path of this mount namespace leads to it.
};

/// A detached overlay mount for each, with nosuid, nodev and noexec. Once for a scratch directory:
/// with a disk limit it has left its mount then. Needs /proc; starts a thread for a moment.
base::Result<std::vector<base::UniqueFd>> merged_views(const Scratch& scratch,
                                                       const std::vector<CopyOnWrite>& directories);

}  // namespace stagebox::sandbox
