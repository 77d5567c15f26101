// LocalStageRunner: stages of a run, on this machine: what an earlier run made is taken, everything
// else runs in a sandbox.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/run/mutex_turns.h"
#include "runtime/run/prepared_stage.h"
#include "runtime/run/run_context.h"
#include "runtime/run/stage/stage_inputs.h"
#include "runtime/run/stage/user_table.h"
#include "runtime/run/stage_record.h"
#include "runtime/run/stages_run.h"
#include "runtime/run/waiting_stages.h"
#include "runtime/store/runs/decision_store.h"
#include "scheduler/stage_runner.h"

namespace stagebox::run {

class LocalStageRunner final : public scheduler::StageRunner {
 public:
  /// The plan outlives it.
  LocalStageRunner(RunContext run, const scheduler::Plan& plan)
      : run_(std::move(run)),
        mutexes_(run_.home_fd, {run_.domain, run_.project}, run_.undo_dead),
        ran_(plan) {}

  scheduler::StageOutcome run(const scheduler::PlannedStage& planned,
                              const scheduler::StageAttempt& attempt) override;

 private:
  base::Result<scheduler::StageOutcome> take_or_run(const scheduler::PlannedStage& planned,
                                                    const scheduler::StageAttempt& attempt,
                                                    StageRecord& record);
  /// What an earlier run made, if that is taken; the record says either way.
  std::optional<scheduler::StageOutcome> from_cache(const scheduler::PlannedStage& planned,
                                                    const StageKeys& keys,
                                                    StageRecord& record) const;
  /// What is made at this moment by somebody else is waited for: then the outcome is kReady. What
  /// was made meanwhile is taken; nothing: it is the stage's own to make.
  base::Result<std::optional<scheduler::StageOutcome>> take_or_wait(
      const scheduler::PlannedStage& planned, PreparedStage& prepared,
      std::optional<WaitingStage> waited, StageRecord& record);
  [[nodiscard]] std::optional<store::NotedDecision> decision_on(
      const scheduler::Stage& stage, const StageRecord& record,
      std::vector<std::string> messages) const;

  RunContext run_;
  OutputTable outputs_;
  UserTable users_;
  WaitingStages waiting_;
  MutexTurns mutexes_;
  StagesRun ran_;
};

}  // namespace stagebox::run
