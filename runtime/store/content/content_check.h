// verify_blobs: reads all that is stored, for damage that no use of a blob would show: what a disk
// does to a file changes no time. Internal to the store, but for the plain type;
// ContentStore::verify is the way in.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/content/blob_files.h"

namespace stagebox::store {

struct VerifyResult {
  std::uint64_t blobs = 0;      ///< That were read.
  std::uint64_t bytes = 0;      ///< Of their contents.
  std::vector<Digest> damaged;  ///< Of `blobs`; they have been removed.
};

/// From the disk, as far as the kernel lets go of what it has in memory. Blobs do not count as used
/// by it, and what was known of them before is forgotten, so that trees are looked at anew, too.
/// Safe beside running processes.
base::Result<VerifyResult> verify_blobs(const BlobFiles& files);

}  // namespace stagebox::store
