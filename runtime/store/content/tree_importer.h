// Importing a directory: its entries are looked at by one thread (TreeWalker), files that are not
// known are read by as many as there are processors (FileIntake), and the Directory messages are
// made from the leaves up. Internal to the store; ContentStore::put_tree is the way in.
#pragma once

#include "runtime/base/result.h"
#include "runtime/store/content/blob_files.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/content/stat_cache.h"
#include "runtime/store/content/tree_options.h"
#include "runtime/store/content/walk_witness.h"

namespace stagebox::store {

/// For a caller who holds the store's shared lock. Everything is durable when it returns; nothing
/// of it is stored when it fails. `cache` may be null; it learns what was read. `witness` may be
/// null.
base::Result<TreeRef> import_tree(const BlobFiles& files, const TreeOptions& options,
                                  StatCache* cache, int dir_fd, WalkWitness* witness);

/// Looks at the directory as import_tree does and fails as it would, but reads and stores no file.
base::Result<TreeSize> survey_tree(const TreeOptions& options, int dir_fd);

}  // namespace stagebox::store
