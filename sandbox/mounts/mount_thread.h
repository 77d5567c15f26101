// mount_thread: a thread for a moment with a mount namespace of its own. Linux before 6.15 clones
// a detached mount, or lays an overlay over it, only in the namespace where it is attached; and
// into ours it must not come, where everybody would see it and SIGKILL would leave it.
#pragma once

#include <functional>

#include "runtime/base/result.h"

namespace stagebox::sandbox {

/// The namespace is a private copy of ours and dies with the thread; what `work` opened or made
/// detached lives on.
base::Result<void> in_own_mount_namespace(const std::function<base::Result<void>()>& work);

/// Attaches a detached mount over the root, where no path leads to it. Only in that thread. EINVAL
/// for a directory that is none.
base::Result<void> attach_over_root(int mount);

}  // namespace stagebox::sandbox
