#include "sandbox/network/connector.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "runtime/base/wait_ready.h"
#include "sandbox/network/socket_address.h"

namespace stagebox::sandbox::network {
namespace {

using base::IpAddress;
using base::Result;
using base::UniqueFd;

// More addresses than this of one name are not tried: each may cost kConnectTimeout.
constexpr std::size_t kMostAddresses = 4;

struct SocketAddress {
  struct sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) {
  SocketAddress result;
  if (address.is_v4()) {
    struct sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes.data() + 12, sizeof(v4.sin_addr));
    std::memcpy(&result.storage, &v4, sizeof(v4));
    result.size = sizeof(v4);
    return result;
  }
  struct sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof(v6.sin6_addr));
  std::memcpy(&result.storage, &v6, sizeof(v6));
  result.size = sizeof(v6);
  return result;
}

int pending_error(int socket) {
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

Result<UniqueFd> connect_to(const IpAddress& address, std::uint16_t port) {
  const SocketAddress where = socket_address(address, port);
  UniqueFd socket(::socket(where.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return base::errno_error("make a socket");
  const int on = 1;
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const auto* generic = reinterpret_cast<const struct sockaddr*>(&where.storage);
  if (::connect(socket.get(), generic, where.size) == 0) return socket;
  if (errno != EINPROGRESS) return base::errno_error("connect to " + address.text());
  const bool ready = base::wait_ready(socket.get(), POLLOUT, kConnectTimeout);
  const int error = ready ? pending_error(socket.get()) : ETIMEDOUT;
  if (error != 0) return base::system_error("connect to " + address.text(), error);
  return socket;
}

}  // namespace

Result<std::vector<IpAddress>> resolve(const std::string& name) {
  struct addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  struct addrinfo* list = nullptr;
  const int status = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (status != 0) {
    return base::not_found("the host \"" + name +
                           "\" cannot be resolved: " + ::gai_strerror(status));
  }
  const std::unique_ptr<struct addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::vector<IpAddress> addresses;
  for (const struct addrinfo* item = list; item != nullptr; item = item->ai_next) {
    if (item->ai_family == AF_INET || item->ai_family == AF_INET6)
      addresses.push_back(address_of(item->ai_addr));
  }
  return addresses;
}

Result<Connection> connect_to_any(std::span<const IpAddress> addresses, std::uint16_t port) {
  base::Error last = base::not_found("the host has no address");
  for (const IpAddress& address : addresses.first(std::min(addresses.size(), kMostAddresses))) {
    auto socket = connect_to(address, port);
    if (socket.ok()) return Connection{std::move(*socket), address};
    last = std::move(socket).error();
  }
  return last;
}

}  // namespace stagebox::sandbox::network
