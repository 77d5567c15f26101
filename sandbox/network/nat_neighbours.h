// Who can be reached directly on the interface that pasta made: the gateway and the resolver, and
// nobody else.
#pragma once

#include <array>

#include "runtime/base/result.h"
#include "sandbox/network/network_channel.h"

namespace stagebox::sandbox::network {

/// A route that says "unreachable" is no wall by itself: of a socket that is bound to an interface
/// (SO_BINDTODEVICE and IP_PKTINFO need no privilege) the kernel takes every address without a
/// route for one on the link (ip_route_output_key_hash_rcu), asks for its neighbour, and pasta
/// answers for all of them. So nobody is asked for any more: both neighbours that are needed are
/// entered for good, and no others are looked for (rtnetlink(7);
/// Documentation/networking/ip-sysctl.rst, mcast_solicit). `neighbours` are IPv4 addresses. What
/// cannot be changed without CAP_NET_ADMIN stays so. Thread-safe; a process of its own enters the
/// namespaces.
base::Result<void> fix_neighbours(const HandedOutNamespaces& namespaces, const char* interface,
                                  const std::array<const char*, 2>& neighbours);

}  // namespace stagebox::sandbox::network
