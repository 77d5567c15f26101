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
#include "runtime/store/key_turn.h"
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
  /// To make what belongs to the key; kCancelled when the attempt is, before it has it.
  [[nodiscard]] base::Result<store::KeyTurn> take_turn(
      const base::Digest& key, const scheduler::StageAttempt& attempt) const;
  [[nodiscard]] std::optional<store::NotedDecision> decision_on(
      const scheduler::Stage& stage, const StageRecord& record,
      std::vector<std::string> messages) const;

  RunContext run_;
  OutputTable outputs_;
  UserTable users_;
};

}  // namespace stagebox::run
