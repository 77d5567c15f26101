#include "sandbox/network/socket_address.h"

#include <netinet/in.h>

#include <cstdint>
#include <cstring>

namespace stagebox::sandbox::network {

using base::IpAddress;

IpAddress address_of(const struct sockaddr* from) {
  if (from->sa_family == AF_INET) {
    struct sockaddr_in v4{};
    std::memcpy(&v4, from, sizeof(v4));
    return IpAddress::from_v4(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr));
  }
  struct sockaddr_in6 v6{};
  std::memcpy(&v6, from, sizeof(v6));
  return IpAddress::from_v6(&v6.sin6_addr.s6_addr[0]);
}

}  // namespace stagebox::sandbox::network
