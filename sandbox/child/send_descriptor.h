// Sends descriptors over a unix socket (unix(7), SCM_RIGHTS).
#pragma once

#include <cstddef>

namespace stagebox::sandbox::child {

/// So many travel with one message: the kernel's SCM_MAX_FD.
inline constexpr std::size_t kMaxDescriptors = 253;

/// The bytes, of which there is at least one because no descriptor travels alone, and up to
/// kMaxDescriptors descriptors. 0, or -errno.
int send_bytes_with_descriptors(int socket, const void* bytes, std::size_t size,
                                const int* descriptors, std::size_t count);

/// The same with one descriptor, unless it is -1.
int send_bytes_with_descriptor(int socket, const void* bytes, std::size_t size, int descriptor);

}  // namespace stagebox::sandbox::child
