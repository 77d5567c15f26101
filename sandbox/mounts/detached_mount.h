// Detached mounts: what the parent prepares and the sandbox only attaches. A detached mount has no
// place in any mount namespace and is gone when its last descriptor is closed.
#pragma once

#include <cstdint>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox {

enum class MountAccess { kReadOnly, kReadWrite };
enum class MountDepth { kOne, kWithSubmounts };

/// A private view of the directory or file `fd` (nosuid, nodev). With `user_namespace` >= 0 its ids
/// are mapped through that namespace (mount_setattr(2), MOUNT_ATTR_IDMAP, Linux 5.12 and a file
/// system that takes it). kUnsupported, naming the feature, where the kernel refuses the mapping.
base::Result<base::UniqueFd> clone_mount(int fd, MountAccess access, int user_namespace);

/// The same without a mapping, to be written to, perhaps with all that is mounted below.
base::Result<base::UniqueFd> clone_mounts(int fd, MountDepth depth);

/// Maps the ids of a detached mount through the namespace. The same kUnsupported.
base::Result<void> map_mount_ids(int mount, int user_namespace, MountDepth depth);

/// `kNever` holds for the host's root, from Linux 6.4 on (tmpfs.rst, "noswap"); elsewhere it is as
/// the other.
enum class Swapping { kAllowed, kNever };
/// A tmpfs of at most `bytes` and `inodes`.
base::Result<base::UniqueFd> make_tmpfs(std::uint64_t bytes, std::uint64_t inodes,
                                        Swapping swapping = Swapping::kAllowed);

}  // namespace stagebox::sandbox
