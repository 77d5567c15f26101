// Errors of system calls that say something of the machine, and nothing of what was asked for.
#pragma once

namespace stagebox::base {

/// Whether the machine has none left of something (memory, descriptors, disk, processes), or its
/// disk is broken: then nobody who gave us a file, an image or a stage is to blame.
bool is_shortage(int errno_value);

}  // namespace stagebox::base
