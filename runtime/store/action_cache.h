// ActionCache: stage key -> StageResult, below `ac/` in the state directory. The key is the only
// key: the trust domain is in it already, as the action's salt. Contents are in the ContentStore;
// an entry whose outputs are not all there any more is a miss.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/content/entry_stamp.h"
#include "runtime/store/content/unsynced_files.h"
#include "runtime/store/stage_result.h"

namespace stagebox::store {

enum class RecordState {
  kWhole,
  kNone,            ///< Nothing is recorded under the key.
  kDamaged,         ///< The record could not be read, and has been removed.
  kOutputsMissing,  ///< Something that its outputs reach is gone, or was damaged and is gone now.
};

struct Lookup {
  RecordState state = RecordState::kNone;
  StageResult result = {};   ///< of kWhole
  std::string problem = {};  ///< of kOutputsMissing: what, for people
  /// Of the record's file, of kWhole; none when it has just been marked as used.
  std::optional<EntryStamp> stamp = {};
};

/// One file per key, replaced atomically. May be used from several threads and
/// processes.
class ActionCache {
 public:
  static base::Result<ActionCache> open(int home_fd);

  /// The result, when it and everything its outputs reach are stored and undamaged; marks all of it
  /// as used, unless that was done within kUseResolution (blob_files.h).
  base::Result<Lookup> lookup(const Digest& action, const ContentStore& content) const;
  /// From now on what is stored is durable only after sync(), which makes much durable at once.
  /// A crash before that leaves records that are damaged or gone, which are misses.
  void defer_syncs() { syncs_ = base::Durable::kLater; }
  base::Result<void> sync() const { return unsynced_->sync(); }

  /// Where the record is, below the state directory.
  static std::string path_of(const Digest& action) { return "ac/" + action.hex(); }
  /// Replaces what was there. The outputs must be stored already.
  base::Result<void> store(const Digest& action, const StageResult& result) const;
  /// As store(), but the file is left to write_noted(). lookup() finds the result from now on.
  void note(const Digest& action, StageResult result) const;
  /// Stores what was noted before. The first failure of all; what could not be stored stays noted.
  base::Result<void> write_noted() const;
  /// Nothing there is success.
  base::Result<void> remove(const Digest& action) const;

  struct Entry {
    Digest action;
    std::chrono::system_clock::time_point last_used;
    StageResult result;
    EntryStamp stamp;  ///< Of its file.
  };
  /// Unless it has been used, or replaced, since it was listed. Whether it went.
  base::Result<bool> remove_unused(const Entry& entry) const;
  /// All entries that have a file, for listings and for gc to mark from or to remove by age;
  /// damaged ones are left out. Also removes what a process that died while storing left behind.
  base::Result<std::vector<Entry>> list() const;

 private:
  /// Results without a file, of this process.
  struct Noted {
    std::mutex mutex;
    std::map<Digest, std::shared_ptr<const StageResult>> results;
  };

  explicit ActionCache(base::UniqueFd dir)
      : dir_(std::move(dir)),
        writing_(std::make_unique<std::mutex>()),
        noted_(std::make_unique<Noted>()),
        unsynced_(std::make_unique<UnsyncedFiles>(dir_.get())) {}
  [[nodiscard]] std::shared_ptr<const StageResult> noted(const Digest& action) const;
  base::Result<Lookup> lookup_file(const Digest& action, const ContentStore& content) const;
  [[nodiscard]] base::UniqueFd open_entry(const std::string& name) const;
  static std::optional<StageResult> read(int fd, const struct stat& status);
  /// Whether it had to be.
  static bool mark_used(int fd, const struct stat& status);

  base::UniqueFd dir_;
  std::unique_ptr<std::mutex> writing_;  ///< replace_file_at's temporary name is per process
  std::unique_ptr<Noted> noted_;
  std::unique_ptr<UnsyncedFiles> unsynced_;
  base::Durable syncs_ = base::Durable::kNow;
};

}  // namespace stagebox::store
