// The addresses of this machine.
#pragma once

#include <vector>

#include "runtime/base/ip_address.h"
#include "runtime/base/result.h"

namespace stagebox::sandbox::network {

/// Those of all interfaces of this network namespace, as they are now (getifaddrs(3)).
base::Result<std::vector<base::IpAddress>> own_addresses();

}  // namespace stagebox::sandbox::network
