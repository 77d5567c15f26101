// What of the self-check depends on Landlock. Pure: the ABI is given.
#pragma once

#include "sandbox/self_check.h"

namespace stagebox::sandbox {

/// Enforced only where abstract sockets and signals are scoped too, ABI 6.
Check check_landlock(int abi);

/// `network: host`: nothing but that scope keeps the sandbox from the abstract sockets of the
/// machine, which belong to a network namespace.
Check check_host_network(int abi);

}  // namespace stagebox::sandbox
