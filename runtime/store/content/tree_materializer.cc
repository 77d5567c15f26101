#include "runtime/store/content/tree_materializer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

#include "runtime/base/dir_stack.h"
#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/base/random_id.h"
#include "runtime/store/content/blob_batch.h"
#include "runtime/store/content/blob_reader.h"
#include "runtime/store/content/tree_check.h"
#include "runtime/store/content/tree_writer.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

class LinkTarget : public TreeTarget {
 public:
  explicit LinkTarget(const BlobFiles& files) : files_(files) {}

  Result<void> write_file(int dir_fd, const FileEntry& entry) override {
    TRY(check(entry));
    int error = link(dir_fd, entry);
    if (error == EMLINK) {
      BlobBatch batch(files_);
      TRY(batch.renew(entry.digest, entry.executable));
      error = link(dir_fd, entry);
    }
    if (error == 0) {
      files_.note_intact(dir_fd, entry.name, entry.digest);  // one link more: a new change time
      return {};
    }
    return base::system_error("link " + base::printable(entry.name) + " to its blob", error);
  }

  Result<void> finish_link(int dir_fd, const std::string& name) override {
    return BlobFiles::seal_link(dir_fd, name);
  }
  Result<void> finish_dir(int dir_fd) override { return files_.seal_dir(dir_fd); }
  [[nodiscard]] unsigned dir_mode() const override { return 0700; }

 private:
  /// The content is not read again, but what changed in size or time is noticed.
  Result<void> check(const FileEntry& entry) const {
    auto found = TRY(files_.find(entry.digest, entry.executable));
    if (!found) {
      auto ensured = ensure_variant(files_, entry.digest, entry.executable);
      if (!ensured.ok()) return ensured.error().with_context(base::printable(entry.name));
      found = TRY(files_.find(entry.digest, entry.executable));
    }
    if (found && static_cast<std::uint64_t>(found->st_size) == entry.size) return {};
    files_.remove(entry.digest, entry.executable);
    return base::corrupt("the stored blob " + entry.digest.hex() + " of " +
                         base::printable(entry.name) +
                         " has the wrong size and has been removed; run the stage that made it "
                         "again");
  }

  [[nodiscard]] int link(int dir_fd, const FileEntry& entry) const {
    const std::string path =
        BlobFiles::blob_path(BlobFiles::blob_name(entry.digest, entry.executable));
    return ::linkat(files_.blobs(), path.c_str(), dir_fd, entry.name.c_str(), 0) == 0 ? 0 : errno;
  }

  const BlobFiles& files_;
};

/// Files that a stage may write to, once an overlay has copied them up.
class OverlayTarget : public TreeTarget {
 public:
  OverlayTarget(const BlobFiles& files, const StageIds& ids) : files_(files), ids_(ids) {}

  Result<void> write_file(int dir_fd, const FileEntry& entry) override {
    const UniqueFd to(::openat(dir_fd, entry.name.c_str(),
                               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!to) return base::errno_error("create " + base::printable(entry.name));
    TRY(copy_blob(files_, entry.digest, entry.executable, to.get()));
    TRY(files_.seal_for(to.get(), entry.executable == Executable::kYes ? 0755 : 0644, ids_));
    files_.note_intact(dir_fd, entry.name, entry.digest);
    return {};
  }

  Result<void> finish_link(int dir_fd, const std::string& name) override {
    return BlobFiles::seal_link(dir_fd, name);
  }
  Result<void> finish_dir(int dir_fd) override { return files_.seal_for(dir_fd, 0755, ids_); }
  [[nodiscard]] unsigned dir_mode() const override { return 0700; }

 private:
  const BlobFiles& files_;
  StageIds ids_;
};

/// Builds beside the final place: a directory that moves to another parent must be writable, and
/// these are not.
Result<void> materialize(const BlobFiles& files, const Digest& root, const std::string& name,
                         TreeTarget& target) {
  const std::string id = TRY(base::random_hex(16));
  const std::string fresh = kUnfinishedPrefix + id;
  if (::mkdirat(files.trees(), fresh.c_str(), 0700) != 0) {
    return base::errno_error("create a directory in the store");
  }
  const base::ScopeExit cleanup([&] { (void)base::remove_tree_at(files.trees(), fresh); });
  UniqueFd dir(::openat(files.trees(), fresh.c_str(), base::kOpenDir));
  if (!dir) return base::errno_error("open a directory of the store");
  TRY(write_tree(files, root, std::move(dir), target));
  // Not synced: what a crash of the machine damages is found when the tree is opened.
  // EEXIST: another thread or process was faster; its tree is the same. EINVAL: no RENAME_NOREPLACE
  // here; rename(2) does not replace a directory either, unless it is empty.
  int error = 0;
  if (::renameat2(files.trees(), fresh.c_str(), files.trees(), name.c_str(), RENAME_NOREPLACE)) {
    error = errno;
  }
  if (error == EINVAL) {
    error = ::renameat(files.trees(), fresh.c_str(), files.trees(), name.c_str()) == 0 ? 0 : errno;
  }
  if (error == 0 || error == EEXIST || error == ENOTEMPTY) return {};
  return base::system_error("move a tree to its place in the store", error);
}

/// Out of the way, but not removed: a running stage may have it mounted. gc removes it then.
Result<void> set_aside(const BlobFiles& files, const std::string& name) {
  const std::string id = TRY(base::random_hex(16));
  const std::string aside = kDamagedPrefix + id;
  if (::renameat(files.trees(), name.c_str(), files.trees(), aside.c_str()) == 0) return {};
  if (errno == ENOENT) return {};  // somebody else was faster
  return base::errno_error("move the damaged tree " + name + " out of the way");
}

/// What is there already, if it is what it should be.
Result<UniqueFd> open_intact(const BlobFiles& files, const Digest& root, const std::string& name,
                             const TreeModes& modes) {
  UniqueFd dir(::openat(files.trees(), name.c_str(), base::kOpenDir));
  if (!dir && errno == ENOENT) return UniqueFd();
  if (!dir) return base::errno_error("open the stored tree " + name);
  UniqueFd checked = TRY(base::duplicate(dir.get()));
  const bool intact = TRY(is_intact_tree(files, root, std::move(checked), modes));
  if (intact) return dir;
  TRY(set_aside(files, name));
  return UniqueFd();
}

Result<UniqueFd> lease(const BlobFiles& files, const Digest& root, const std::string& name,
                       TreeTarget& target, const TreeModes& modes) {
  UniqueFd dir = TRY(open_intact(files, root, name, modes));
  if (!dir) {
    auto made = materialize(files, root, name, target);
    if (!made.ok()) return made.error().with_context("make the stored tree " + name + " visible");
    dir.reset(::openat(files.trees(), name.c_str(), base::kOpenDir));
  }
  if (!dir) return base::errno_error("open the stored tree " + name);
  // gc holds the lock on a tree only together with the store's exclusive lock, so this cannot wait.
  if (::flock(dir.get(), LOCK_SH) != 0) return base::errno_error("lock the stored tree " + name);
  const struct stat status = TRY(base::stat_fd(dir.get()));
  touch_at(files.trees(), name, status);
  return dir;
}

}  // namespace

Result<void> ensure_variant(const BlobFiles& files, const Digest& digest, Executable executable) {
  const auto found = TRY(files.find(digest, executable));
  if (found) return {};
  const UniqueFd other = TRY(open_blob(files, digest, executable));
  BlobBatch batch(files);
  const BlobRef made =
      TRY(batch.add_file(other.get(), executable, std::numeric_limits<std::uint64_t>::max()));
  if (made.digest != digest) {
    files.remove_damaged(digest,
                         executable == Executable::kYes ? Executable::kNo : Executable::kYes);
    return files.missing(digest);
  }
  return batch.commit();
}

Result<UniqueFd> lease_tree(const BlobFiles& files, const Digest& root) {
  LinkTarget target(files);
  return lease(files, root, root.hex(), target, {});
}

std::string overlay_name(const Digest& root, const StageIds& ids) {
  return root.hex() + ".w" + std::to_string(ids.uid) + "." + std::to_string(ids.gid);
}

Result<UniqueFd> lease_overlay(const BlobFiles& files, const Digest& root, const StageIds& ids) {
  OverlayTarget target(files, ids);
  return lease(files, root, overlay_name(root, ids), target,
               {.directory = 0755, .file = 0644, .executable = 0755});
}

}  // namespace stagebox::store
