#include "sandbox/fork_server/fd_message.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace stagebox::sandbox {
namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(kMaxMessageFds * sizeof(int));

}  // namespace

base::Result<SocketPair> make_socket_pair() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    return base::errno_error("make a socket pair");
  }
  return SocketPair{base::UniqueFd(fds[0]), base::UniqueFd(fds[1])};
}

base::Result<void> send_message(int socket, std::span<const std::byte> data,
                                std::span<const int> fds) {
  if (fds.size() > kMaxMessageFds) {
    return base::unsupported(
        "a sandbox needs more than 253 descriptors (layers and inputs together)");
  }
  struct iovec part{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): sendmsg(2) only reads what it points to
  part.iov_base = const_cast<std::byte*>(data.data());
  part.iov_len = data.size();
  alignas(struct cmsghdr) std::array<char, kControlBytes> control{};
  struct msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  ssize_t sent = -1;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return base::errno_error("send to another process of Stagebox");
  return {};
}

base::Result<Message> receive_message(int socket, std::span<std::byte> buffer) {
  struct iovec part{};
  part.iov_base = buffer.data();
  part.iov_len = buffer.size();
  alignas(struct cmsghdr) std::array<char, kControlBytes> control{};
  struct msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size = -1;
  do {
    size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return base::errno_error("receive from another process of Stagebox");
  Message message;
  message.size = static_cast<std::size_t>(size);
  message.closed = size == 0;
  for (struct cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr;
       item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof(int));
      message.fds.emplace_back(fd);
    }
  }
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return base::system_error("receive from another process of Stagebox", EMSGSIZE);
  }
  return message;
}

}  // namespace stagebox::sandbox
