// A stored output as a tar archive: the same bytes for the same output, whoever exports it and
// when. POSIX pax format (IEEE Std 1003.1, "pax Interchange Format"): ustar headers, and extended
// ones only for what does not fit in them.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/stage_result.h"

namespace stagebox::run {

/// Writes the archive to `fd`: of a directory what is in it, of a file that file, under its own
/// name. Owner 0:0, modes 0644 and 0755, the store's one time. kNotFound, kCorrupt as in
/// ContentStore; then what was written is of no use.
base::Result<void> write_tar(const store::ContentStore& content, const store::StoredOutput& output,
                             int fd);

}  // namespace stagebox::run
