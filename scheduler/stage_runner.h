// StageRunner and RunObserver: the line between deciding (Plan, SchedulerState, Scheduler) and
// doing. The scheduler knows nothing of images, sandboxes and stores; what runs a stage implements
// StageRunner, what shows or records a run implements RunObserver.
#pragma once

#include <chrono>
#include <functional>
#include <span>

#include "scheduler/cancel_token.h"
#include "scheduler/job_tokens.h"
#include "scheduler/plan.h"
#include "scheduler/stage_state.h"

namespace stagebox::scheduler {

/// One try of a stage.
struct StageAttempt {
  CancelToken cancel;
  /// Lends the run's free slots to a stage that can use them.
  JobTokens& tokens;
  /// To be called when it is clear that the stage has to run; at most once, before run() returns.
  std::function<void()> begins;
};

class StageRunner {
 public:
  virtual ~StageRunner() = default;

  /// Runs one stage and returns when nothing of it is left. Called on several threads at once, each
  /// call for another stage. Returns kSucceeded, kCached, kFailed, kCancelled or kError, the
  /// failures with their cause; anything else, and an exception, is taken as kError. Whether a
  /// failure is allowed or tried again is not its business. Stops the stage soon after
  /// `attempt.cancel` is cancelled. Before the stage begins, also kReady: it waits for something
  /// else than stages (`detail`, of which empty tells nobody again), and is to be run again when
  /// `retry_in` has passed; until then it takes no slot.
  virtual StageOutcome run(const PlannedStage& stage, const StageAttempt& attempt) = 0;
};

/// What became of a stage, and when.
struct StageChange {
  const PlannedStage* stage = nullptr;  ///< Of the run's plan.
  StageOutcome outcome;
  std::chrono::system_clock::time_point at;
};

class RunObserver {
 public:
  virtual ~RunObserver() = default;

  /// Changes of stages to kReady, kRunning, kRetrying or a final state, in the order in which they
  /// happened: those of a moment at once, a little later. A stage that did not have to run is never
  /// kRunning; one that waits for something else than stages is kReady again, with a detail. One
  /// call at a time, on a thread that runs no stage, without a lock held: Scheduler::cancel() may
  /// be called from here. Must not throw.
  virtual void on_changes(std::span<const StageChange> changes) = 0;
};

}  // namespace stagebox::scheduler
