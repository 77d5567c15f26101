#include "sandbox/child/send_descriptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace stagebox::sandbox::child {

int send_bytes_with_descriptors(int socket, const void* bytes, std::size_t size,
                                const int* descriptors, std::size_t count) {
  if (count > kMaxDescriptors) return -EMFILE;
  struct iovec part{};
  // sendmsg(2) only reads what it points to.
  part.iov_base = const_cast<void*>(bytes);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  part.iov_len = size;
  alignas(struct cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  struct msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count > 0) {
    const std::size_t length = count * sizeof(int);
    message.msg_control = &control[0];
    message.msg_controllen = CMSG_SPACE(length);
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(length);
    std::memcpy(CMSG_DATA(header), descriptors, length);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int send_bytes_with_descriptor(int socket, const void* bytes, std::size_t size, int descriptor) {
  return send_bytes_with_descriptors(socket, bytes, size, &descriptor, descriptor < 0 ? 0 : 1);
}

}  // namespace stagebox::sandbox::child
