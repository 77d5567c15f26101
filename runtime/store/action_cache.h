// ActionCache: stage key -> StageResult, below `ac/` in the state directory. The key is the only
// key: the trust domain is in it already, as the action's salt. Contents are in the ContentStore;
// an entry whose outputs are not all there any more is a miss.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/store/content_store.h"
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
};

/// One file per key, replaced atomically and durably. May be used from several threads and
/// processes.
class ActionCache {
 public:
  static base::Result<ActionCache> open(int home_fd);

  /// The result, when it and everything its outputs reach are stored and undamaged; marks all of it
  /// as used.
  base::Result<Lookup> lookup(const Digest& action, const ContentStore& content) const;
  /// Replaces what was there. The outputs must be stored already.
  base::Result<void> store(const Digest& action, const StageResult& result) const;
  /// Nothing there is success.
  base::Result<void> remove(const Digest& action) const;

  struct Entry {
    Digest action;
    std::chrono::system_clock::time_point last_used;
    StageResult result;
  };
  /// All entries, for listings and for gc to mark from or to remove by age; damaged ones are left
  /// out. Also removes what a process that died while storing left behind.
  base::Result<std::vector<Entry>> list() const;

 private:
  explicit ActionCache(base::UniqueFd dir)
      : dir_(std::move(dir)), writing_(std::make_unique<std::mutex>()) {}
  [[nodiscard]] std::optional<StageResult> read(const Digest& action) const;

  base::UniqueFd dir_;
  std::unique_ptr<std::mutex> writing_;  ///< replace_file_at's temporary name is per process
};

}  // namespace stagebox::store
