// Exporting: ordinary, writable copies of stored trees and files for people. Every copied byte is
// verified. Internal to the store.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/store/content/blob_files.h"

namespace stagebox::store {

/// See ContentStore::export_tree and export_file.
base::Result<void> export_tree(const BlobFiles& files, const Digest& root, int dest_fd);
base::Result<void> export_file(const BlobFiles& files, const Digest& digest, Executable executable,
                               int dest_fd, const std::string& name);

}  // namespace stagebox::store
