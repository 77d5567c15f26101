#include "runtime/store/content/blob_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/store/content/hashed_copy.h"

namespace stagebox::store {
namespace {

using base::Error;
using base::Result;
using base::Sha256;
using base::UniqueFd;

Error damaged(const BlobFiles& files, const Digest& digest, Executable variant) {
  files.remove_damaged(digest, variant);
  return files.missing(digest);
}

/// Reads everything, hashing; `sink` is -1 or where to write it.
Result<CopyResult> pump(int from, int sink, const CopyBounds& bounds) {
  std::vector<char> buffer(kCopyChunk);
  Sha256 hasher;
  CopyResult result;
  for (;;) {
    const std::size_t count = TRY(read_up_to(from, buffer.data(), buffer.size()));
    if (count == 0) break;
    TRY(bounds.check(result.size + count));
    const std::string_view chunk(buffer.data(), count);
    hasher.update(chunk);
    if (sink >= 0) TRY(base::write_all(sink, chunk));
    result.size += count;
  }
  result.digest = hasher.finish();
  return result;
}

/// `copy` gets the blob's file, and says what it was.
template <typename Copy>
Result<void> put_blob(const BlobFiles& files, const Digest& digest, Executable preferred,
                      const Copy& copy) {
  Executable variant = preferred;
  const UniqueFd from = TRY(open_blob(files, digest, preferred, &variant));
  const CopyResult copied = TRY(copy(from.get()));
  if (copied.digest != digest) return damaged(files, digest, variant);
  return {};
}

}  // namespace

Result<std::size_t> read_up_to(int fd, char* data, std::size_t size) {
  std::size_t used = 0;
  while (used < size) {
    const ssize_t count = ::read(fd, data + used, size - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("read");
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
  }
  return used;
}

Result<UniqueFd> open_blob(const BlobFiles& files, const Digest& digest, Executable preferred,
                           Executable* variant) {
  const Executable other = preferred == Executable::kYes ? Executable::kNo : Executable::kYes;
  for (const Executable candidate : {preferred, other}) {
    const auto found = TRY(files.find(digest, candidate));
    if (!found) continue;
    const std::string path = BlobFiles::blob_path(BlobFiles::blob_name(digest, candidate));
    UniqueFd fd(::openat(files.blobs(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd && errno != ENOENT) return base::errno_error("open the blob " + digest.hex());
    if (!fd) continue;
    if (variant != nullptr) *variant = candidate;
    return fd;
  }
  return files.missing(digest);
}

Result<std::string> read_verified(const BlobFiles& files, const Digest& digest, std::size_t limit) {
  Executable variant = Executable::kNo;
  const UniqueFd fd = TRY(open_blob(files, digest, Executable::kNo, &variant));
  auto content = base::read_all(fd.get(), limit);
  if (!content.ok()) return content.error().with_context("read the blob " + digest.hex());
  if (Sha256::of(*content) != digest) return damaged(files, digest, variant);
  return content;
}

Result<DirectoryListing> read_listing(const BlobFiles& files, const Digest& digest) {
  const std::string message = TRY(read_verified(files, digest, kMaxDirectoryMessage));
  auto listing = DirectoryListing::decode(message);
  if (!listing.ok()) return listing.error().with_context("read the directory " + digest.hex());
  return listing;
}

Result<CopyResult> copy_hashed(int from, int to, const CopyBounds& bounds) {
  return pump(from, to, bounds);
}

Result<CopyResult> hash_rest(int fd, const CopyBounds& bounds) { return pump(fd, -1, bounds); }

Result<void> copy_blob(const BlobFiles& files, const Digest& digest, Executable preferred, int to) {
  return put_blob(files, digest, preferred, [to](int from) -> Result<CopyResult> {
    const struct stat status = TRY(base::stat_fd(from));
    const bool is_large = static_cast<std::uint64_t>(status.st_size) >= kLargeFile;
    return is_large ? copy_and_hash(from, to, {}) : copy_hashed(from, to);
  });
}

Result<void> write_blob(const BlobFiles& files, const Digest& digest, Executable preferred,
                        int to) {
  return put_blob(files, digest, preferred, [to](int from) { return copy_hashed(from, to); });
}

}  // namespace stagebox::store
