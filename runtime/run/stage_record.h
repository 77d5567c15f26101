// StageRecord: what is remembered, and told, of a stage of a run. StageRecords hands it to whoever
// shows or stores it.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/logs/log_watch.h"
#include "runtime/logs/log_writer.h"
#include "runtime/logs/workflow_command.h"
#include "runtime/run/cache_report.h"
#include "runtime/run/engine/connections.h"
#include "runtime/run/findings/stage_coverage.h"
#include "runtime/run/findings/stage_summary.h"
#include "runtime/run/findings/stage_tests.h"
#include "runtime/run/secrets/secret_automaton.h"
#include "runtime/run/stage_cache.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/key_turn.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/stage_result.h"
#include "sandbox/exit_report.h"

namespace stagebox::run {

/// A service because of which a stage failed.
struct FailedService {
  std::string name;
  std::string log_path;
  logs::LogTail log_tail;  ///< Its last lines.
};

/// What a stage reported of itself: errors before warnings before notices, and no more of them than
/// somebody reads.
struct StageAnnotations {
  static constexpr std::size_t kMost = 20;
  static constexpr std::size_t kLongestText = 500;  ///< Bytes of a message, a title, a file.
  std::vector<logs::Annotation> list;
  std::size_t more = 0;  ///< That are not in the list.
};
/// `secrets` may be nullptr: none. The stage's words are masked here once more although its log is:
/// an escape that is undone can make a secret of what was none.
StageAnnotations told_annotations(const logs::Annotations& found, const SecretAutomaton* secrets);
/// Warnings of ours, before what the stage said: few.
void put_first(StageAnnotations& told, const std::vector<std::string>& warnings);

struct StageRecord {
  std::string stage;
  base::Digest key;         ///< Zero when it was not computed.
  std::string log_path;     ///< Empty when nothing ran.
  logs::LogTail log_tail;   ///< Last lines of a failed stage.
  std::string cached_from;  ///< The run that made the outputs; empty when it was this one.
  std::optional<base::Digest> cached_key;  ///< store::StageRow::cached_key.
  std::optional<CacheVerdict> verdict;     ///< Of the stage cache; none when it was not asked.
  std::string verdict_detail;              ///< CacheAnswer::detail.
  /// Of a stage that has to run, until it is written down.
  std::optional<store::NotedDecision> decision;
  /// Of a stage whose result others may wait for, until it is written down: they find nothing
  /// before that.
  std::shared_ptr<store::KeyTurn> turn;
  std::string taken_from;                         ///< store::StageRow::taken_from.
  std::optional<store::EntryStamp> record_stamp;  ///< CacheAnswer::record_stamp.
  std::optional<sandbox::ExitReport> report;
  std::optional<FailedService> failed_service;
  std::vector<std::string> warnings;  ///< Ours, which are among the annotations in the end.
  StageAnnotations annotations;       ///< Of an attempt whose sandbox was started.
  ConnectionSummary connections;
  std::vector<store::StoredOutput> outputs;
  std::vector<CacheReport> caches;                ///< Of an attempt whose sandbox was started.
  std::optional<store::KeptWorkspace> workspace;  ///< Of an attempt that failed in its sandbox.
  std::optional<StageTests> tests;  ///< Of a stage that declares test reports, when it has ended.
  std::optional<StageCoverage> coverage;  ///< The same of coverage reports.
  std::optional<StageSummary> summary;    ///< Of one that wrote what it declares.
};

/// An attempt that begins: why, and where it writes its output.
struct BegunAttempt {
  std::string log_path;
  std::shared_ptr<const logs::LogWatch> output;
  std::optional<store::NotedDecision> decision = {};
};

/// By stage, the attempts of each in their order: the next one may have begun, and ended, before
/// somebody asks for the last one's. Thread-safe.
class StageRecords {
 public:
  void put_begun(const std::string& stage, BegunAttempt attempt) {
    const std::scoped_lock lock(mutex_);
    begun_[stage].push_back(std::move(attempt));
  }
  /// Of an attempt that ended; none when it did not get far enough to have one.
  void put(const std::string& stage, std::optional<StageRecord> record) {
    const std::scoped_lock lock(mutex_);
    ended_[stage].push_back(std::move(record));
  }
  /// The next attempt that began; empty when there is none.
  [[nodiscard]] BegunAttempt take_begun(const std::string& stage) {
    const std::scoped_lock lock(mutex_);
    return take_first(begun_, stage).value_or(BegunAttempt());
  }
  /// Of the next attempt that ended. Hands it over: nobody asks twice, and a run may have many
  /// stages.
  [[nodiscard]] std::optional<StageRecord> take(const std::string& stage) {
    const std::scoped_lock lock(mutex_);
    return take_first(ended_, stage).value_or(std::nullopt);
  }

 private:
  template <typename Value>
  using Queues = std::unordered_map<std::string, std::deque<Value>>;
  template <typename Value>
  static std::optional<Value> take_first(Queues<Value>& queues, const std::string& stage) {
    const auto found = queues.find(stage);
    if (found == queues.end()) return std::nullopt;
    std::optional<Value> first(std::move(found->second.front()));
    found->second.pop_front();
    if (found->second.empty()) queues.erase(found);
    return first;
  }

  std::mutex mutex_;
  Queues<BegunAttempt> begun_;
  Queues<std::optional<StageRecord>> ended_;
};

}  // namespace stagebox::run
