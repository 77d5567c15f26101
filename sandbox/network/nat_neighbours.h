// Who can be reached directly on the interface that pasta made: the gateway and the resolver, and
// nobody else.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/base/result.h"
#include "sandbox/network/network_channel.h"

namespace stagebox::sandbox::network {

/// IPv4, in network order.
using Ipv4Bytes = std::array<std::uint8_t, 4>;

/// A route that says "unreachable" is no wall by itself: of a socket that is bound to an interface
/// (SO_BINDTODEVICE and IP_PKTINFO need no privilege) the kernel takes every address without a
/// route for one on the link (ip_route_output_key_hash_rcu), asks for its neighbour, and pasta
/// answers for all of them. So nobody is asked for any more: both neighbours that are needed are
/// entered for good, and no others are looked for (rtnetlink(7);
/// Documentation/networking/ip-sysctl.rst, mcast_solicit). What cannot be changed without
/// CAP_NET_ADMIN stays so. Thread-safe; a process of its own enters the namespaces.
base::Result<void> fix_neighbours(const HandedOutNamespaces& namespaces, const char* interface,
                                  const std::array<Ipv4Bytes, 2>& neighbours);

}  // namespace stagebox::sandbox::network
