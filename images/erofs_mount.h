// The mount of a layer that is stored as an EROFS image, and whether this kernel and this user can
// make one. The images' bytes are ours (ErofsWriter): the kernel parses nothing that a stranger
// wrote.
#pragma once

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

/// The root directory of the file system that `index_fd` has, with `archive_fd` as its device; both
/// are files. It is mounted read-only without a loop device and without a place in any mount
/// namespace, and is gone when the descriptor and every clone of it are closed.
base::Result<base::UniqueFd> mount_erofs(int index_fd, int archive_fd);

/// Mounts a small one that it makes in `dir_fd` (and removes), and does with it what sandboxes do.
/// kUnsupported says what cannot be done here: an ordinary user may not mount EROFS; file-backed
/// mounts came with Linux 6.12, clones of mounts without a place with 6.15.
base::Result<void> probe_erofs(int dir_fd);

}  // namespace stagebox::images
