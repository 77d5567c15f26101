// Materialised trees: `cas/trees/<root>`, read-only directories whose files are hard links to
// blobs, made when first needed and ready to be mounted into a stage. Internal to the store.
//
// A plain tree is built from metadata operations only (mkdir, link), which the journalling file
// systems commit in their order; so after a crash a tree has its final name only when it is whole,
// without any sync.
#pragma once

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/store/content/blob_files.h"

namespace stagebox::store {

/// Marks directories in cas/trees that are being made or removed; both are nobody's while the
/// store's lock is held exclusively.
constexpr const char* kUnfinishedPrefix = ".new-";

/// Marks trees that were found damaged and replaced; gc removes them when nobody has them mounted.
constexpr const char* kDamagedPrefix = ".bad-";

/// The tree's directory, opened for reading, with a shared flock(2) on it: gc does not remove it
/// until the descriptor is closed. One that is there already is checked first, and made anew when
/// somebody changed it. For a caller who holds the store's shared lock.
base::Result<base::UniqueFd> lease_tree(const BlobFiles& files, const Digest& root);

/// The same tree for a stage that may change its view of it: the lower directory of an overlay.
/// Directories are 0755, files 0644 or 0755, and all belong to the stage's user, because root in a
/// sandbox has no capability to write to what it may not. So the files are copies (reflinks where
/// the file system has them), verified, made durable before the tree gets its name, and shared by
/// all stages with these ids.
base::Result<base::UniqueFd> lease_overlay(const BlobFiles& files, const Digest& root,
                                           const StageIds& ids);
/// The key of such a tree beside the plain ones.
std::string overlay_name(const Digest& root, const StageIds& ids);

/// Makes sure that this variant of a blob is stored, from the other one if need be; kNotFound when
/// there is neither.
base::Result<void> ensure_variant(const BlobFiles& files, const Digest& digest,
                                  Executable executable);

}  // namespace stagebox::store
