// One message with descriptors over a SOCK_SEQPACKET socket (unix(7), SCM_RIGHTS).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/child/send_descriptor.h"

namespace stagebox::sandbox {

inline constexpr std::size_t kMaxMessageFds = child::kMaxDescriptors;

/// Two connected ends, CLOEXEC.
struct SocketPair {
  base::UniqueFd ours;
  base::UniqueFd theirs;
};
base::Result<SocketPair> make_socket_pair();

/// EPIPE when the other side is gone.
base::Result<void> send_message(int socket, std::span<const std::byte> data,
                                std::span<const int> fds);

struct Message {
  std::size_t size = 0;  ///< Bytes put into the caller's buffer; 0 with `closed`.
  bool closed = false;   ///< The other side is gone.
  std::vector<base::UniqueFd> fds;
};
/// Waits for one message; a message larger than the buffer is an error.
base::Result<Message> receive_message(int socket, std::span<std::byte> buffer);

}  // namespace stagebox::sandbox
