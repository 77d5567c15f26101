#include "sandbox/network/own_addresses.h"

#include <ifaddrs.h>
#include <sys/socket.h>

#include <memory>

#include "sandbox/network/socket_address.h"

namespace stagebox::sandbox::network {

base::Result<std::vector<base::IpAddress>> own_addresses() {
  struct ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return base::errno_error("list the addresses of this machine");
  const std::unique_ptr<struct ifaddrs, decltype(&::freeifaddrs)> owner(first, &::freeifaddrs);
  std::vector<base::IpAddress> addresses;
  for (const struct ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    const struct sockaddr* address = each->ifa_addr;
    if (address != nullptr && (address->sa_family == AF_INET || address->sa_family == AF_INET6))
      addresses.push_back(address_of(address));
  }
  return addresses;
}

}  // namespace stagebox::sandbox::network
