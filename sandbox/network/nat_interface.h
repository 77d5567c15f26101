// The interface of a network with address translation, made before pasta(1) gets it, so that what
// leaves it is bounded by the kernel and not by who reads it.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/base/result.h"
#include "sandbox/network/network_channel.h"

namespace stagebox::sandbox::network {

/// The only hardware address on the link: of the gateway and of the resolver. Any would do: pasta
/// takes whatever comes out.
inline constexpr std::array<std::uint8_t, 6> kNatHardwareAddress{0x9a, 0x55, 0x9a,
                                                                 0x55, 0x9a, 0x55};

/// A tap device (Documentation/networking/tuntap.rst) that stays when nobody has it open, for pasta
/// to attach to, with a filter (TUNSETTXFILTER) that lets out frames for kNatHardwareAddress only.
/// So no multicast or broadcast leaves it, of any protocol: routes do not stop these, because a
/// socket that is bound to the interface needs none (ip_route_output_key_hash_rcu), and pasta would
/// send them on to the neighbours of this machine. The filter is changed through an open
/// descriptor of the device only, and there is no way to one inside. Thread-safe.
base::Result<void> make_nat_interface(const HandedOutNamespaces& namespaces, const char* name);

}  // namespace stagebox::sandbox::network
