#include "sandbox/child/send_descriptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace stagebox::sandbox::child {

int send_bytes_with_descriptor(int socket, const void* bytes, std::size_t size, int descriptor) {
  struct iovec part{};
  // sendmsg(2) only reads what it points to.
  part.iov_base = const_cast<void*>(bytes);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  part.iov_len = size;
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  struct msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = &control[0];
    message.msg_controllen = sizeof(control);
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

}  // namespace stagebox::sandbox::child
