// Scheduler: carries a plan out with up to `jobs` stages at a time. All decisions are
// SchedulerState's; this adds the threads, the cancelling, and the telling.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "scheduler/alarm.h"
#include "scheduler/cancel_token.h"
#include "scheduler/change_teller.h"
#include "scheduler/scheduler_options.h"
#include "scheduler/scheduler_state.h"
#include "scheduler/stage_runner.h"

namespace stagebox::scheduler {

/// The worst that happened to any stage, in rising order.
enum class RunResult {
  kSuccess,    ///< Exit status 0. Skipped stages and allowed failures do not count.
  kFailed,     ///< A stage failed: 1.
  kError,      ///< We failed: 3.
  kCancelled,  ///< 130.
};

struct RunSummary {
  std::vector<StageOutcome> stages;  ///< By index in the plan; all final.
  RunResult result = RunResult::kSuccess;
  bool timed_out = false;  ///< The whole run took too long; what had not ended was cancelled.
  std::chrono::milliseconds timeout{};  ///< That it had then.
};

/// For one run. All references outlive it.
class Scheduler {
 public:
  Scheduler(const Plan& plan, StageRunner& runner, RunObserver& observer,
            const SchedulerOptions& options, CancelToken token);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Blocks until every stage is final and every change was told. Call once. Runs stages on this
  /// thread too, so that it works even where no thread can be made.
  /// kSystem, and nothing was started, when not even two threads more can be made: one tells the
  /// observer, and without the other a cancelled run would wait for the next attempt of a stage.
  base::Result<RunSummary> run();

  /// Starts nothing more and cancels the token of the running stages; run() then returns when they
  /// have ended. A token that is cancelled by someone else does the same.
  /// Thread-safe, returns at once, may be called before run(), twice, and by the observer.
  void cancel();

 private:
  void work();
  void run_workers();
  StageOutcome run_stage(const PlannedStage& stage);
  void begun(std::size_t index);
  void on_alarm();
  RunSummary summarize();
  // All with the lock held.
  void stop_starting();
  void wake_retries();
  void set_alarm();
  void time_out();
  void note(SchedulerState::Changes changes);
  void wake_workers(std::size_t startable);

  const Plan& plan_;
  StageRunner& runner_;
  SchedulerOptions options_;
  CancelToken token_;
  JobTokens tokens_;

  std::mutex mutex_;
  std::condition_variable changed_;  // For workers that found nothing to start.
  std::size_t waiting_ = 0;          // Workers.
  SchedulerState state_;
  ChangeTeller teller_;
  std::unique_ptr<Alarm> alarm_;
  // The stages that are to be run again, and when; the earliest on top.
  using Due = std::pair<Alarm::Clock::time_point, std::size_t>;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> retries_;
  bool cancelled_ = false;
  std::optional<Alarm::Clock::time_point> deadline_;
  bool timed_out_ = false;
};

}  // namespace stagebox::scheduler
