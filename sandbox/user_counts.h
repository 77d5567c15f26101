// UserCounts: what the kernel counts for each user of the machine and refuses when he has too many.
// The sandboxes of root are users of their own (IdMap::creator). Those of an ordinary user count as
// his, so each may have a part only: what he needs himself, and his other sandboxes, stays.
#pragma once

#include <cstdint>

namespace stagebox::sandbox {

/// Settings below /proc/sys/user, of the sandbox's own user namespace (namespaces(7)).
struct UserCounts {
  std::uint64_t inotify_instances = 0;
  std::uint64_t inotify_watches = 0;
};

/// A quarter of what this machine gives a user (inotify(7)), where it says so. Asked once.
UserCounts part_of_user_counts();

}  // namespace stagebox::sandbox
