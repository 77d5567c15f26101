// BlobFiles: the directories below `cas/`, how blobs are named and look in them, and the lock that
// keeps `gc` out. Internal to the store: it moves no content.
//
//   cas/blobs/ab/ab12...      a blob, mode 0444; ab12....x is the executable variant, mode 0555;
//                             the directories "00" to "ff" are made when first needed
//   cas/trees/<root>/         a materialised tree: directories 0555, files hard links to blobs
//   cas/tmp/                  what is not finished; nothing in it outlives the shared lock
//   cas/lock, cas/gc.lock     flock(2): users share `lock`, gc takes it alone for moments
//   cas/users.lock            shared by everybody who has the store open
//   cas/verified              see verified_blobs.h
//   stat-cache/               see stat_cache.h
//
// Every blob and tree has the same modification time (kStoredTime), so that it carries nothing of
// when it was stored. The access time is the time of last use, for gc (collector.h).
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/stored_time.h"
#include "runtime/base/unique_fd.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/content/unsynced_files.h"
#include "runtime/store/content/verified_blobs.h"

namespace stagebox::store {

using base::kStoredTime;
/// How exact the time of last use is: touching each blob each time would write each inode.
constexpr time_t kUseResolution = 600;  // seconds

enum class LockMode { kShared, kExclusive };

/// Immutable after open; all functions may be called from several threads.
class BlobFiles {
 public:
  static base::Result<BlobFiles> open(int home_fd, TreeOwner owner);

  [[nodiscard]] int blobs() const { return blobs_.get(); }
  [[nodiscard]] int trees() const { return trees_.get(); }
  [[nodiscard]] int tmp() const { return tmp_.get(); }
  /// The file system of the store, as in stat(2).
  [[nodiscard]] dev_t device() const { return device_; }
  [[nodiscard]] int stat_cache() const { return stat_cache_.get(); }

  /// Held for the whole of every operation that stores or relies on something stored.
  [[nodiscard]] base::Result<base::UniqueFd> lock(LockMode mode) const;
  /// The exclusive one, when nobody has it at this moment.
  [[nodiscard]] base::Result<std::optional<base::UniqueFd>> try_lock_alone() const;
  /// From now on what is stored is durable only after the sync() of this. Before several threads.
  void defer_syncs() { deferred_ = true; }
  /// None: what is stored is durable at once.
  [[nodiscard]] UnsyncedFiles* deferred() const { return deferred_ ? unsynced_.get() : nullptr; }
  /// One gc at a time.
  [[nodiscard]] base::Result<base::UniqueFd> lock_gc() const;
  /// Held shared by everybody who has the store open.
  [[nodiscard]] base::Result<base::UniqueFd> lock_user() const;

  /// "ab12...", with ".x" for the executable variant.
  static std::string blob_name(const Digest& digest, Executable executable);
  /// "ab".
  static std::string shard_of(const std::string& blob_name) { return blob_name.substr(0, 2); }
  /// "ab/ab12...".
  static std::string blob_path(const std::string& name) { return shard_of(name) + "/" + name; }

  /// One of the directories in blobs().
  [[nodiscard]] base::Result<base::UniqueFd> open_shard(const std::string& name) const;

  /// The stored blob's status, with its time of last use brought up to date; nothing when there is
  /// none. One that was changed behind our back (mode, time, type, content) is removed and counts
  /// as none. The content is read unless it is known to be right (verified_blobs.h).
  [[nodiscard]] base::Result<std::optional<struct stat>> find(const Digest& digest,
                                                              Executable executable) const;
  /// Whether the blob is there, known to be right, and was used so lately that gc leaves it alone
  /// while we have the store open: then it needs neither the lock nor a mark. False says nothing.
  [[nodiscard]] bool is_settled(const Digest& digest, Executable executable) const;
  /// The status of a blob for which is_settled() is true.
  [[nodiscard]] std::optional<struct stat> settled(const Digest& digest,
                                                   Executable executable) const;
  void remove(const Digest& digest, Executable executable) const;
  void remove_damaged(const Digest& digest, Executable executable) const;
  /// Why find() found nothing: kCorrupt when this object removed it, else kNotFound.
  [[nodiscard]] base::Error missing(const Digest& digest) const;
  /// Whether a regular file has this content; read only when that is not known already.
  [[nodiscard]] base::Result<bool> is_intact(int dir_fd, const std::string& path,
                                             const struct stat& status, const Digest& digest) const;
  /// From now on every file is read again before anybody relies on it, by other processes too.
  [[nodiscard]] base::Result<void> forget_verified() const { return verified_->forget(); }
  /// The file is right, and has just been given its place or one more link by us.
  void note_intact(int dir_fd, const std::string& path, const Digest& digest) const;

  /// Gives a finished file the looks of a blob: owner, mode, times.
  [[nodiscard]] base::Result<void> seal_file(int fd, Executable executable) const;
  /// The same for a file that somebody else made, whose owner may be another one.
  [[nodiscard]] base::Result<void> seal_foreign_file(int fd, Executable executable) const;
  /// As seal_file(), for a directory of a materialised tree.
  [[nodiscard]] base::Result<void> seal_dir(int fd) const;
  /// Of a link of a materialised tree: its time.
  [[nodiscard]] static base::Result<void> seal_link(int dir_fd, const std::string& name);
  /// The same for a part of a tree that belongs to the user of a stage.
  [[nodiscard]] base::Result<void> seal_for(int fd, mode_t mode, const StageIds& ids) const;

 private:
  [[nodiscard]] base::Result<void> seal(int fd, mode_t mode, const TreeOwner& owner) const;
  /// The ids themselves, also where the owner is the caller.
  [[nodiscard]] TreeOwner named_owner() const;

  TreeOwner owner_;
  base::UniqueFd cas_;
  base::UniqueFd blobs_;
  base::UniqueFd trees_;
  base::UniqueFd tmp_;
  dev_t device_ = 0;
  base::UniqueFd stat_cache_;
  std::optional<VerifiedBlobs> verified_;
  std::unique_ptr<UnsyncedFiles> unsynced_;  ///< Below blobs_.
  bool deferred_ = false;
  struct Damaged {
    std::mutex mutex;
    std::set<Digest> blobs;  ///< that were removed
  };
  std::unique_ptr<Damaged> damaged_ = std::make_unique<Damaged>();
};

/// Whether something was marked as used within kUseResolution.
bool used_lately(const struct stat& status);
/// Marks something stored as used now, unless that was done within kUseResolution; whether it was
/// not.
bool touch_at(int dir_fd, const std::string& path, const struct stat& status);

}  // namespace stagebox::store
