#include "runtime/store/content/blob_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/store/content/blob_reader.h"
#include "runtime/store/content/private_dir.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

// "Leave it to the caller", chown(2).
constexpr auto kNobody = static_cast<uid_t>(-1);
constexpr mode_t kBlobMode = 0444;
constexpr mode_t kExecutableMode = 0555;

mode_t mode_of(Executable executable) {
  return executable == Executable::kYes ? kExecutableMode : kBlobMode;
}

constexpr const char* kLock = "lock";

Result<UniqueFd> open_lock(int dir_fd, const char* name) {
  UniqueFd fd(::openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return base::errno_error(std::string("open the store's lock file \"") + name + "\"");
  return fd;
}

Result<UniqueFd> locked(int dir_fd, const char* name, int operation) {
  UniqueFd fd = TRY(open_lock(dir_fd, name));
  while (::flock(fd.get(), operation) != 0) {
    if (errno != EINTR) return base::errno_error(std::string("lock \"") + name + "\"");
  }
  return fd;
}

bool looks_like_blob(const struct stat& status, Executable executable) {
  return S_ISREG(status.st_mode) && (status.st_mode & 07777U) == mode_of(executable) &&
         status.st_mtim.tv_sec == kStoredTime && status.st_mtim.tv_nsec == 0;
}

}  // namespace

Result<BlobFiles> BlobFiles::open(int home_fd, TreeOwner owner) {
  BlobFiles files;
  files.owner_ = owner;
  files.cas_ = TRY(open_private_dir(home_fd, "cas"));
  files.blobs_ = TRY(open_private_dir(files.cas_.get(), "blobs"));
  files.trees_ = TRY(open_private_dir(files.cas_.get(), "trees"));
  files.tmp_ = TRY(open_private_dir(files.cas_.get(), "tmp"));
  files.device_ = TRY(base::stat_fd(files.tmp_.get())).st_dev;
  files.stat_cache_ = TRY(open_private_dir(home_fd, "stat-cache"));
  const std::string boot = TRY(boot_id());
  files.verified_ = TRY(VerifiedBlobs::open(files.cas_.get(), boot));
  files.unsynced_ = std::make_unique<UnsyncedFiles>(files.blobs_.get());
  return files;
}

Result<UniqueFd> BlobFiles::lock(LockMode mode) const {
  return locked(cas_.get(), kLock, mode == LockMode::kShared ? LOCK_SH : LOCK_EX);
}

Result<std::optional<UniqueFd>> BlobFiles::try_lock_alone() const {
  UniqueFd fd = TRY(open_lock(cas_.get(), kLock));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return std::optional(std::move(fd));
  if (errno == EWOULDBLOCK || errno == EINTR) return std::optional<UniqueFd>();
  return base::errno_error("lock the store");
}

Result<UniqueFd> BlobFiles::lock_gc() const { return locked(cas_.get(), "gc.lock", LOCK_EX); }

Result<UniqueFd> BlobFiles::lock_user() const { return locked(cas_.get(), "users.lock", LOCK_SH); }

Result<UniqueFd> BlobFiles::open_shard(const std::string& name) const {
  UniqueFd dir(::openat(blobs(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dir) return base::errno_error("open the store's directory \"" + name + "\"");
  return dir;
}

std::string BlobFiles::blob_name(const Digest& digest, Executable executable) {
  return executable == Executable::kYes ? digest.hex() + ".x" : digest.hex();
}

Result<std::optional<struct stat>> BlobFiles::find(const Digest& digest,
                                                   Executable executable) const {
  const std::string path = blob_path(blob_name(digest, executable));
  struct stat status{};
  if (::fstatat(blobs(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<struct stat>();
    return base::errno_error("look for the blob " + digest.hex());
  }
  bool intact = looks_like_blob(status, executable);
  if (intact) intact = TRY(is_intact(blobs(), path, status, digest));
  if (!intact) {
    remove_damaged(digest, executable);
    return std::optional<struct stat>();
  }
  // Being marked as used changes the change time.
  if (touch_at(blobs(), path, status)) note_intact(blobs(), path, digest);
  return std::optional<struct stat>(status);
}

bool BlobFiles::is_settled(const Digest& digest, Executable executable) const {
  return settled(digest, executable).has_value();
}

std::optional<struct stat> BlobFiles::settled(const Digest& digest, Executable executable) const {
  const std::string path = blob_path(blob_name(digest, executable));
  struct stat status{};
  if (::fstatat(blobs(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  const bool settled = looks_like_blob(status, executable) && used_lately(status) &&
                       verified_->knows(digest, status);
  return settled ? std::optional(status) : std::nullopt;
}

void BlobFiles::remove_damaged(const Digest& digest, Executable executable) const {
  remove(digest, executable);
  const std::lock_guard guard(damaged_->mutex);
  damaged_->blobs.insert(digest);
}

base::Error BlobFiles::missing(const Digest& digest) const {
  const std::lock_guard guard(damaged_->mutex);
  if (!damaged_->blobs.contains(digest)) {
    return base::not_found("the blob " + digest.hex() + " is not in the store");
  }
  return base::corrupt("the stored blob " + digest.hex() +
                       " was damaged and has been removed; run the stage that made it again");
}

Result<bool> BlobFiles::is_intact(int dir_fd, const std::string& path, const struct stat& status,
                                  const Digest& digest) const {
  if (verified_->knows(digest, status)) return true;
  const UniqueFd fd(::openat(dir_fd, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return false;
  if (!fd) return base::errno_error("open the blob " + digest.hex());
  const CopyResult content = TRY(hash_rest(fd.get()));
  if (content.digest != digest) return false;
  verified_->note(digest, status);
  return true;
}

void BlobFiles::note_intact(int dir_fd, const std::string& path, const Digest& digest) const {
  struct stat status{};
  if (::fstatat(dir_fd, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    verified_->note(digest, status);
  }
}

void BlobFiles::remove(const Digest& digest, Executable executable) const {
  const std::string path = blob_path(blob_name(digest, executable));
  // A directory in a blob's place is nothing we made, but it must not block the name for ever.
  if (::unlinkat(blobs(), path.c_str(), 0) != 0 && errno != ENOENT) {
    (void)base::remove_tree_at(blobs(), path);
  }
}

Result<void> BlobFiles::seal_file(int fd, Executable executable) const {
  return seal(fd, mode_of(executable), owner_);
}

Result<void> BlobFiles::seal_foreign_file(int fd, Executable executable) const {
  return seal(fd, mode_of(executable), named_owner());
}

TreeOwner BlobFiles::named_owner() const {
  return {owner_.uid == kNobody ? ::geteuid() : owner_.uid,
          owner_.gid == kNobody ? ::getegid() : owner_.gid};
}

Result<void> BlobFiles::seal_dir(int fd) const { return seal(fd, kExecutableMode, owner_); }

Result<void> BlobFiles::seal_link(int dir_fd, const std::string& name) {
  if (::utimensat(dir_fd, name.c_str(), base::kStoredTimes, AT_SYMLINK_NOFOLLOW) != 0)
    return base::errno_error("set the times of the stored link " + base::printable(name));
  return {};
}

Result<void> BlobFiles::seal_for(int fd, mode_t mode, const StageIds& ids) const {
  // The store's owner is the sandbox's root; the other ids follow.
  const TreeOwner root = named_owner();
  return seal(fd, mode, {root.uid + ids.uid, root.gid + ids.gid});
}

Result<void> BlobFiles::seal(int fd, mode_t mode, const TreeOwner& owner) const {
  // Times first and the owner last: after fchown an ordinary user could do neither.
  if (::futimens(fd, base::kStoredTimes) != 0)
    return base::errno_error("set the times of a stored file");
  if (::fchmod(fd, mode) != 0) return base::errno_error("set the mode of a stored file");
  const bool give = owner.uid != kNobody || owner.gid != kNobody;
  if (give && ::fchown(fd, owner.uid, owner.gid) != 0) {
    return base::errno_error("give a stored file to user " + std::to_string(owner.uid) +
                             ", group " + std::to_string(owner.gid));
  }
  return {};
}

bool used_lately(const struct stat& status) {
  const time_t now = ::time(nullptr);
  return status.st_atim.tv_sec <= now && now - status.st_atim.tv_sec < kUseResolution;
}

bool touch_at(int dir_fd, const std::string& path, const struct stat& status) {
  if (used_lately(status)) return false;
  const struct timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  // Best effort: without it the blob only looks older to gc than it is.
  return ::utimensat(dir_fd, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace stagebox::store
