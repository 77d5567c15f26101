#include "sandbox/fork_server/helper.h"

#include <string>

#include "sandbox/fork_server/fd_message.h"

namespace stagebox::sandbox {

base::Error helper_gone(std::string_view what) {
  return {
      base::ErrorKind::kSystem, kHelperGone,
      "the process of Stagebox that " + std::string(what) + " was killed; start the command again"};
}

base::Result<void> send_to_helper(int socket, std::span<const std::byte> data,
                                  std::span<const int> fds, std::string_view what) {
  auto sent = send_message(socket, data, fds);
  if (!sent.ok() && sent.error().errno_value == EPIPE) return helper_gone(what);
  return sent;
}

}  // namespace stagebox::sandbox
