// What helps when a disk is full.
#pragma once

#include <string>

#include "runtime/base/error.h"

namespace stagebox::base {

/// The error's message; of a disk or quota that is full with what to do, unless it says so.
std::string with_remedy(const Error& error);

/// Whether the file system of the open file `fd` has next to no bytes or inodes left for us. It may
/// have a moment later; false where it cannot be told.
bool is_disk_full(int fd);

}  // namespace stagebox::base
