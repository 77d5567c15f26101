// LocalStageRunner: stages of a run, on this machine: what an earlier run made is taken, everything
// else runs in a sandbox.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/run/prepared_stage.h"
#include "runtime/run/run_context.h"
#include "runtime/run/stage_inputs.h"
#include "runtime/run/stage_record.h"
#include "runtime/run/user_table.h"
#include "runtime/store/decision_store.h"
#include "scheduler/stage_runner.h"

namespace stagebox::run {

class LocalStageRunner final : public scheduler::StageRunner {
 public:
  explicit LocalStageRunner(RunContext run) : run_(std::move(run)) {}

  scheduler::StageOutcome run(const scheduler::PlannedStage& planned,
                              const scheduler::StageAttempt& attempt) override;

 private:
  base::Result<scheduler::StageOutcome> take_or_run(const scheduler::Stage& stage,
                                                    const scheduler::StageAttempt& attempt,
                                                    StageRecord& record);
  /// What an earlier run made, if that is taken; the record says either way.
  std::optional<scheduler::StageOutcome> from_cache(const scheduler::Stage& stage,
                                                    const StageKeys& keys,
                                                    StageRecord& record) const;
  /// Waits until nobody else makes it; what was made meanwhile, or nothing: then it is the
  /// stage's own to make, and the record has its turn. kCancelled when the attempt is.
  base::Result<std::optional<scheduler::StageOutcome>> take_turn(
      const scheduler::Stage& stage, const StageKeys& keys, const scheduler::StageAttempt& attempt,
      StageRecord& record) const;
  [[nodiscard]] std::optional<store::NotedDecision> decision_on(
      const scheduler::Stage& stage, const StageRecord& record,
      std::vector<std::string> messages) const;

  RunContext run_;
  OutputTable outputs_;
  UserTable users_;
};

}  // namespace stagebox::run
