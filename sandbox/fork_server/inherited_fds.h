// What a process that was forked to do one thing does first: let go of everything that was open in
// the process it comes from, whether CLOEXEC or not.
#pragma once

namespace stagebox::sandbox {

/// Closes all descriptors but `fd`; 0, 1 and 2 become /dev/null. So no copy of a socket stays whose
/// other end waits for it to be closed.
void keep_only(int fd);

}  // namespace stagebox::sandbox
