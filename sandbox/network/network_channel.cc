#include "sandbox/network/network_channel.h"

#include <array>
#include <cerrno>

#include "sandbox/fork_server/fd_message.h"

namespace stagebox::sandbox::network {

base::Result<NetworkChannel> NetworkChannel::make() {
  SocketPair sockets = TRY(make_socket_pair());
  NetworkChannel channel;
  channel.our_end_ = std::move(sockets.ours);
  channel.sandbox_end_ = std::move(sockets.theirs);
  return channel;
}

base::Result<base::UniqueFd> NetworkChannel::receive(const std::string& what) const {
  std::array<std::byte, 1> byte{};
  Message message = TRY(receive_message(our_end_.get(), byte));
  if (message.fds.size() != 1) return base::system_error("receive the sandbox's " + what, EBADMSG);
  return std::move(message.fds.front());
}

base::Result<HandedOutNamespaces> NetworkChannel::receive_namespaces() const {
  HandedOutNamespaces namespaces;
  namespaces.user = TRY(receive("user namespace"));
  namespaces.network = TRY(receive("network namespace"));
  return namespaces;
}

}  // namespace stagebox::sandbox::network
