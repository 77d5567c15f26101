// The address in what the socket calls hand out.
#pragma once

#include <sys/socket.h>

#include "runtime/base/ip_address.h"

namespace stagebox::sandbox::network {

/// `from` is a whole sockaddr_in or sockaddr_in6, as its family says (ip(7), ipv6(7)).
base::IpAddress address_of(const struct sockaddr* from);

}  // namespace stagebox::sandbox::network
