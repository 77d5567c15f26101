// RunListener: who watches a run.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "runtime/logs/log_watch.h"
#include "runtime/run/stage_record.h"
#include "scheduler/plan.h"
#include "scheduler/scheduler.h"
#include "scheduler/stage_state.h"

namespace stagebox::run {

/// Calls come one at a time, on any thread.
class RunListener {
 public:
  virtual ~RunListener() = default;
  virtual void on_run_started(const std::string& run_id) = 0;
  /// How long stages took before, by index in the plan. After the start, before any stage.
  virtual void on_estimates(const scheduler::StageEstimates& /*estimates*/) {}
  /// `record` is of the attempt that just ended; null before, and for stages that did not get far
  /// enough to have one. `elapsed` is of the attempt.
  virtual void on_stage(const scheduler::PlannedStage& stage,
                        const scheduler::StageOutcome& outcome, const StageRecord* record,
                        std::chrono::milliseconds elapsed) = 0;
  /// Whether it looks at the last lines of what on_output() tells of; else nobody keeps them.
  [[nodiscard]] virtual bool wants_output() const { return false; }
  /// What the attempt that was just told to run writes, as it comes.
  virtual void on_output(const scheduler::PlannedStage& /*stage*/,
                         const std::shared_ptr<const logs::LogWatch>& /*output*/) {}
  /// Something of the run, which goes on, is not as it should be. For people.
  virtual void on_warning(const std::string& /*text*/) {}
  /// The end of the run, after it is on record. Not called when we failed.
  virtual void on_run_finished(const scheduler::RunSummary& summary,
                               std::chrono::milliseconds elapsed) = 0;
};

}  // namespace stagebox::run
