// A helper of the fork server clones a process that is the fork server's child, and not its own.
// When the helper dies before it can tell (it is in the sandbox's cgroup, which may run out of
// memory), the fork server would have a child that it does not know, and that a pid namespace waits
// for until somebody has waited for it: so the kernel writes its number where both can see it.
#pragma once

#include <linux/sched.h>
#include <sys/types.h>

namespace stagebox::sandbox::child {

struct SiblingTeller {
  int answer_fd;  ///< Socket, which the clone does not keep open: the helper's death ends it.
  pid_t* pid;  ///< A page of its own, MAP_SHARED, which the clone has not. As the helper sees it.
};

/// As clone3(2); 0 in the clone. Adds CLONE_PARENT and what tells `tell.pid` to the flags.
long clone_sibling(const SiblingTeller& tell, struct clone_args& args);

}  // namespace stagebox::sandbox::child
