// Adoption: a file that a dead stage left becomes a stored blob as it is, without a copy of its
// content. Internal to the store; BlobBatch::take_file is the way in.
#pragma once

#include <sys/stat.h>

#include "runtime/store/content/blob_files.h"
#include "runtime/store/content/content_types.h"

namespace stagebox::store {

/// Whether `fd`, open for reading only and with this status, can be a blob from now on: then it has
/// the looks of one (BlobFiles::seal_file), and nobody can write to it any more. False when
/// somebody still has it open for writing, however they came by it, when it has another name,
/// extended attributes (an ACL, say) or more room on the disk than content, when it is on another
/// file system than the store or is not ours to give away: then it is to be copied, and may have
/// lost its mode, owner and times already.
[[nodiscard]] bool seal_for_adoption(const BlobFiles& files, int fd, const struct stat& status,
                                     Executable executable);

}  // namespace stagebox::store
