// RunRecorder: writes each change of a run's stages into the run store. What an attempt did is
// written before anybody is told of it, and is on the disk soon after (DiskSync); what did not run
// (it was cached, or skipped) is found out anew after a crash, so such stages are written many at a
// time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/disk_sync.h"
#include "runtime/run/run_listener.h"
#include "runtime/run/stage_cache.h"
#include "runtime/run/stage_record.h"
#include "runtime/store/runs/run_store.h"
#include "scheduler/stage_runner.h"

namespace stagebox::run {

/// For one run, which goes on when something cannot be written: that is tried again later, with
/// what came meanwhile.
class RunRecorder final : public scheduler::RunObserver {
 public:
  /// Whether later runs of the pipeline learn how long its stages took.
  enum class Durations { kKept, kForgotten };

  /// All references outlive it. `cache` has results that are not written yet; `earlier` has the
  /// number of the last attempt of each stage before the run was resumed.
  RunRecorder(const store::RunStore& runs, std::string run_id, const StageCache& cache,
              StageRecords& records, RunListener& listener, DiskSync& disk,
              std::map<std::string, std::int64_t> earlier, Durations durations)
      : runs_(runs),
        run_id_(std::move(run_id)),
        cache_(cache),
        records_(records),
        listener_(listener),
        disk_(disk),
        earlier_(std::move(earlier)),
        durations_(durations) {}

  void on_changes(std::span<const scheduler::StageChange> changes) override;

  /// Writes what has not been written yet. After a failure it may be called again.
  base::Result<void> finish();
  /// The same for results that the stage cache noted: without them a later run makes them again.
  base::Result<void> finish_cache();

 private:
  using Clock = std::chrono::steady_clock;
  /// So many, or for so long, may be unwritten.
  static constexpr std::size_t kMostUnwritten = 1000;
  static constexpr std::chrono::milliseconds kLongestUnwritten{200};
  /// What cannot be written is kept up to so many changes, some tens of megabytes. Then it is lost.
  static constexpr std::size_t kMostKept = 20'000;

  /// What is known so far of a stage and its attempt.
  struct Progress {
    store::StageRow stage;
    store::AttemptRow attempt;
  };
  /// What the listener is told of a change.
  struct News {
    const scheduler::StageChange* change;
    std::optional<StageRecord> record;
    std::chrono::milliseconds elapsed;
    std::shared_ptr<const logs::LogWatch> output;
  };
  News note(const scheduler::StageChange& change);
  void update(Progress& progress, const scheduler::StageChange& change, const StageRecord* record,
              const BegunAttempt& begun) const;
  static void fill(Progress& progress, const StageRecord& record);
  [[nodiscard]] bool is_due() const;
  void write();
  void give_up();

  const store::RunStore& runs_;
  std::string run_id_;
  const StageCache& cache_;
  StageRecords& records_;
  RunListener& listener_;
  DiskSync& disk_;
  std::map<std::string, std::int64_t> earlier_;
  Durations durations_;
  std::unordered_map<std::size_t, Progress> progress_;  ///< Of stages that are not final.
  std::vector<store::StageChange> unwritten_;           ///< In the order in which they came.
  bool urgent_ = false;                                 ///< Some of it is of an attempt.
  std::chrono::milliseconds work_{0};                   ///< Of stages in it that succeeded.
  Clock::time_point last_write_ = Clock::now();
  base::Result<void> recorded_;  ///< The last write.
  base::Result<void> lost_;      ///< What was given up.
  base::Result<void> cached_;
};

}  // namespace stagebox::run
