// Connector: finds the addresses of a name and connects to one of them, with bounds on time.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/ip_address.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox::network {

/// Per address; TCP's own first retransmissions are at 1, 3 and 7 seconds.
inline constexpr std::chrono::seconds kConnectTimeout{10};

/// As this machine resolves names (getaddrinfo(3)), in its order of preference. Blocks for as long
/// as the machine's resolver is set to.
base::Result<std::vector<base::IpAddress>> resolve(const std::string& name);

/// A connected, non-blocking TCP socket to the first address that answers, and which one that was.
struct Connection {
  base::UniqueFd socket;
  base::IpAddress address;
};
base::Result<Connection> connect_to_any(std::span<const base::IpAddress> addresses,
                                        std::uint16_t port);

}  // namespace stagebox::sandbox::network
