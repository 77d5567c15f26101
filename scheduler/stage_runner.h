// StageRunner and RunObserver: the line between deciding (Plan, SchedulerState, Scheduler) and
// doing. The scheduler knows nothing of images, sandboxes and stores; what runs a stage implements
// StageRunner, what shows or records a run implements RunObserver.
#pragma once

#include "scheduler/cancel_token.h"
#include "scheduler/plan.h"
#include "scheduler/stage_state.h"

namespace stagebox::scheduler {

class StageRunner {
 public:
  virtual ~StageRunner() = default;

  /// Runs one stage and returns when nothing of it is left. Called on several threads at once, each
  /// call for another stage. Returns kSucceeded, kCached, kFailed, kCancelled or kError; anything
  /// else, and an exception, is taken as kError. Whether a failure is allowed is not its business.
  /// Stops the stage soon after `cancel` is cancelled.
  virtual StageOutcome run(const PlannedStage& stage, CancelToken cancel) = 0;
};

class RunObserver {
 public:
  virtual ~RunObserver() = default;

  /// Each change of a stage to kReady, kRunning or a final state, in the order in which they
  /// happened. One call at a time, on any thread, without a lock held: Scheduler::cancel() may be
  /// called from here. Must not throw.
  virtual void on_stage_state(const PlannedStage& stage, const StageOutcome& outcome) = 0;
};

}  // namespace stagebox::scheduler
