// Sends a descriptor over a unix socket (unix(7), SCM_RIGHTS).
#pragma once

#include <cstddef>

namespace stagebox::sandbox::child {

/// The bytes, of which there is at least one because a descriptor does not travel alone, and the
/// descriptor unless it is -1. 0, or -errno.
int send_bytes_with_descriptor(int socket, const void* bytes, std::size_t size, int descriptor);

}  // namespace stagebox::sandbox::child
