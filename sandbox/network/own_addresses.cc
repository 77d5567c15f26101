#include "sandbox/network/own_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>

namespace stagebox::sandbox::network {

base::Result<std::vector<base::IpAddress>> own_addresses() {
  struct ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return base::errno_error("list the addresses of this machine");
  const std::unique_ptr<struct ifaddrs, decltype(&::freeifaddrs)> owner(first, &::freeifaddrs);
  std::vector<base::IpAddress> addresses;
  for (const struct ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    if (each->ifa_addr->sa_family == AF_INET) {
      struct sockaddr_in v4{};
      std::memcpy(&v4, each->ifa_addr, sizeof(v4));
      addresses.push_back(
          base::IpAddress::from_v4(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr)));
    } else if (each->ifa_addr->sa_family == AF_INET6) {
      struct sockaddr_in6 v6{};
      std::memcpy(&v6, each->ifa_addr, sizeof(v6));
      addresses.push_back(base::IpAddress::from_v6(&v6.sin6_addr.s6_addr[0]));
    }
  }
  return addresses;
}

}  // namespace stagebox::sandbox::network
