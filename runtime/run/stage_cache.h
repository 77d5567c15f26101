// StageCache: whether a stage has to run or what an earlier run made of it is taken, and why. It
// reads and writes records; mounting, running and telling are others' business.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/action_cache.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/stage_result.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// Which stages run whatever the stage cache has (`--no-cache`). They are recorded all the same.
struct CacheUse {
  bool ignore_all = false;
  std::vector<std::string> ignored = {};  ///< By id, or by the name of a stage with a matrix.

  [[nodiscard]] bool ignores(const scheduler::Stage& stage) const;
};

/// What an interrupted run had finished, by stage.
struct FinishedStage {
  base::Digest key;
  std::optional<base::Digest> cached_key = {};  ///< StageRow::cached_key.
  store::StageResult result;  ///< Made by this run, or by one that it was taken from.
};
using FinishedStages = std::map<std::string, FinishedStage>;

enum class CacheVerdict {
  kHit,             ///< Taken from another run.
  kFinished,        ///< Taken from this run, before it was interrupted.
  kNoRecord,        ///< Nothing was recorded under this key.
  kDamagedRecord,   ///< It was recorded, but the record cannot be read.
  kMissingOutputs,  ///< Recorded, but an output, its log or what it reported is gone.
  kOtherOutputs,    ///< Recorded, but the declared types or sizes do not fit any more.
  kExpired,         ///< Recorded longer ago than the stage's ttl.
  kNever,           ///< `cache: never`.
  kNetwork,         ///< `cache: auto`, and the stage has a network.
  kIgnored,         ///< `--no-cache`.
};
/// "hit", "no-record", ... as the run store keeps it.
std::string_view to_string(CacheVerdict verdict);
/// Whether nothing has to run.
inline bool is_taken(CacheVerdict verdict) {
  return verdict == CacheVerdict::kHit || verdict == CacheVerdict::kFinished;
}

struct CacheAnswer {
  CacheVerdict verdict = CacheVerdict::kNoRecord;
  std::string detail;         ///< What was wrong, for kMissingOutputs, kOtherOutputs and kExpired.
  store::StageResult result;  ///< With the names that the stage gives its outputs; if is_taken().
  /// Of a hit under another domain's key: that one.
  std::optional<base::Digest> other_key = {};
  /// Of a hit: see store::Lookup.
  std::optional<store::EntryStamp> record_stamp = {};
};

/// Under which keys a stage's result may be found.
struct StageKeys {
  base::Digest own;                       ///< Where its own is recorded too.
  std::vector<base::Digest> others = {};  ///< Of other domains, which are only read.
};

/// May be used from several threads; what it refers to outlives it.
class StageCache {
 public:
  StageCache(const store::ActionCache& actions, const store::ContentStore& content, CacheUse use,
             FinishedStages finished)
      : actions_(actions),
        content_(content),
        use_(std::move(use)),
        finished_(std::move(finished)) {}

  /// Whether what the stage did before in this run counts.
  enum class Before { kCounts, kDoesNotCount };
  /// Never fails: what cannot be read is a miss, and the stage runs.
  [[nodiscard]] CacheAnswer look_up(const scheduler::Stage& stage, const StageKeys& keys,
                                    Before before = Before::kCounts) const;
  /// Under which it had finished before in this run, where that is not `key`.
  [[nodiscard]] std::optional<base::Digest> other_finished_key(const scheduler::Stage& stage,
                                                               const base::Digest& key) const;
  /// Whether it runs in each run, because nothing of another one is taken.
  [[nodiscard]] static bool runs_each_time(const scheduler::Stage& stage);
  /// What takes less is not worth that anybody waits until it is written.
  static constexpr std::chrono::seconds kBriefStage{1};
  /// Records the result of a stage that succeeded; nothing with `cache: never`. Of a brief one it
  /// is found from now on, and in its file after write_records().
  [[nodiscard]] base::Result<void> record(const scheduler::Stage& stage, const base::Digest& key,
                                          const store::StageResult& result) const;
  [[nodiscard]] base::Result<void> write_records() const { return actions_.write_noted(); }

 private:
  [[nodiscard]] std::optional<CacheAnswer> from_this_run(const scheduler::Stage& stage,
                                                         const base::Digest& key) const;
  [[nodiscard]] CacheAnswer from_record(const scheduler::Stage& stage,
                                        const base::Digest& key) const;
  /// Whether what the stage's reports said is there, as far as it declares some.
  [[nodiscard]] bool has_reports(const scheduler::Stage& stage,
                                 const store::StageResult& result) const;

  const store::ActionCache& actions_;
  const store::ContentStore& content_;
  CacheUse use_;
  FinishedStages finished_;
};

}  // namespace stagebox::run
