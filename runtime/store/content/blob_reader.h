// Reading blobs back, with their content checked against their name, and the plain copy of file
// content that storing and exporting share. Internal to the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/store/content/blob_files.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/content/copy_bounds.h"
#include "runtime/store/content/directory_listing.h"

namespace stagebox::store {

/// How much is read at once; also the size up to which a file is hashed before it is copied.
constexpr std::size_t kCopyChunk = std::size_t{256} << 10U;

/// Opens a stored blob for reading, `preferred` variant first; kNotFound when there is neither.
/// `variant`, when given, is set to the one that was found. The content is not verified.
base::Result<base::UniqueFd> open_blob(const BlobFiles& files, const Digest& digest,
                                       Executable preferred, Executable* variant = nullptr);

/// The whole content, verified; kCorrupt when it is not what its name says (the blob is removed),
/// kInvalid when it has more than `limit` bytes.
base::Result<std::string> read_verified(const BlobFiles& files, const Digest& digest,
                                        std::size_t limit);

/// A `Directory` message, verified and decoded.
base::Result<DirectoryListing> read_listing(const BlobFiles& files, const Digest& digest);

/// Copies from `from` (its current position) to the end into `to`, hashing what is written.
struct CopyResult {
  Digest digest;
  std::uint64_t size = 0;
};
base::Result<CopyResult> copy_hashed(int from, int to, const CopyBounds& bounds = {});
/// The hash of everything from the current position on.
base::Result<CopyResult> hash_rest(int fd, const CopyBounds& bounds = {});

/// Copies a stored blob into the new, empty file `to`, which can be read too, with the holes of
/// large ones; kCorrupt (and
/// the blob is removed) when the content is not what its name says.
base::Result<void> copy_blob(const BlobFiles& files, const Digest& digest, Executable preferred,
                             int to);
/// The same to whatever can be written to, at its current position.
base::Result<void> write_blob(const BlobFiles& files, const Digest& digest, Executable preferred,
                              int to);

/// read(2) until `size` bytes or the end of the file.
base::Result<std::size_t> read_up_to(int fd, char* data, std::size_t size);

}  // namespace stagebox::store
