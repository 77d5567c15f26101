#include "runtime/store/content/content_check.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "runtime/base/files.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

void drop_cached(const BlobFiles& files, const std::string& path) {
  const UniqueFd fd(
      ::openat(files.blobs(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (fd) (void)::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
}

Result<void> verify_blob(const BlobFiles& files, const std::string& name, VerifyResult& result) {
  const auto digest = Digest::from_hex(name.substr(0, Digest::kHexChars));
  if (!digest.ok()) return {};  // Not ours.
  const auto executable = name.ends_with(".x") ? Executable::kYes : Executable::kNo;
  if (name != BlobFiles::blob_name(*digest, executable)) return {};
  const std::string path = BlobFiles::blob_path(name);
  const UniqueFd lock = TRY(files.lock(LockMode::kShared));
  struct stat status{};
  if (::fstatat(files.blobs(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
  bool intact = S_ISREG(status.st_mode);
  if (intact) {
    drop_cached(files, path);
    intact = TRY(files.is_intact(files.blobs(), path, status, *digest));
  }
  ++result.blobs;
  result.bytes += static_cast<std::uint64_t>(status.st_size);
  if (intact) return {};
  result.damaged.push_back(*digest);
  files.remove_damaged(*digest, executable);
  return {};
}

}  // namespace

Result<VerifyResult> verify_blobs(const BlobFiles& files) {
  TRY(files.forget_verified());
  VerifyResult result;
  const auto shards = TRY(base::list_dir(files.blobs()));
  for (const std::string& shard : shards) {
    const UniqueFd dir = TRY(files.open_shard(shard));
    const auto names = TRY(base::list_dir(dir.get()));
    for (const std::string& name : names) TRY(verify_blob(files, name, result));
  }
  return result;
}

}  // namespace stagebox::store
