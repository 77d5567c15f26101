// UserCounts: what the kernel counts for each user of the machine and refuses when he has too many.
// The sandboxes of root are users of their own (IdMap::creator). Those of an ordinary user count as
// his. So each uid in one may have a quarter, and all of them together three quarters: something
// stays for what he does himself.
#pragma once

#include <cstdint>

namespace stagebox::sandbox {

/// Settings below /proc/sys/user, of the sandbox's own user namespace (namespaces(7)).
struct UserCounts {
  std::uint64_t inotify_instances = 0;
  std::uint64_t inotify_watches = 0;
};

/// For all sandboxes of a user: his queued signals and bytes of message queues, which a user
/// namespace takes from who makes it (its soft limits). Before ours is made.
void lower_limits_of_user();
/// The same of what is a setting of our user namespace, when we are in it. What cannot be set here
/// cannot be set for a sandbox either, and refuses that.
void bound_user_counts();

/// A quarter of what this machine gives a user (inotify(7)), where it says so. Asked once.
UserCounts part_of_user_counts();

}  // namespace stagebox::sandbox
