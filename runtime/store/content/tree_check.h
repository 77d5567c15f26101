// Checking a materialised tree against the stored tree that it stands for: a stage cannot change
// one, but another program of the host can. Internal to the store.
#pragma once

#include <sys/types.h>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/store/content/blob_files.h"

namespace stagebox::store {

/// How the parts of a materialised tree look.
struct TreeModes {
  mode_t directory = 0555;
  mode_t file = 0444;
  mode_t executable = 0555;
};

/// Whether the directory is exactly the tree: the same names, types, modes, link targets and
/// contents. Contents are read only where they are not known to be right. An error is about the
/// stored tree (kNotFound, kCorrupt as in read_listing) or ours, never about the directory.
base::Result<bool> is_intact_tree(const BlobFiles& files, const Digest& root, base::UniqueFd dir,
                                  const TreeModes& modes);

}  // namespace stagebox::store
