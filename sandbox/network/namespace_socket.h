// A socket of a network namespace that this process is not in: a socket belongs to the namespace it
// was made in, so a thread that enters it for a moment is all that it takes.
#pragma once

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox::network {

/// A TCP socket for IPv4, not blocking. -1: of the namespace that we are in. Whoever owns the user
/// namespace that `network_namespace` belongs to, or one above it, may do so.
base::Result<base::UniqueFd> tcp_socket_in(int network_namespace);

}  // namespace stagebox::sandbox::network
