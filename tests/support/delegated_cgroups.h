// Delegated cgroups: what systemd gives to a user's services, made by hand in every hierarchy of
// the machine, v1 and v2: a cgroup that belongs to an ordinary user, with
// this process in it or, on v2, in a leaf below it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/base/result.h"

namespace stagebox::testing {

/// Makes them for `uid`, and forks: the child returns and goes on in them; the parent waits for it,
/// removes them, and exits with the child's status. Only as root, while the process has one thread.
base::Result<void> continue_in_delegated_cgroups(uid_t uid);

}  // namespace stagebox::testing
