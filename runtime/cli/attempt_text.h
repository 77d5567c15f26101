// Which attempt of how many, where a stage had or will have more than one.
#pragma once

#include <string>

#include "scheduler/plan.h"
#include "scheduler/stage_state.h"

namespace stagebox::cli {

/// "attempt 2 of 3"; empty where it goes without saying.
inline std::string attempt_text(const scheduler::PlannedStage& planned,
                                const scheduler::StageOutcome& outcome) {
  if (outcome.attempt <= 1 && outcome.state != scheduler::StageState::kRetrying) return "";
  return "attempt " + std::to_string(outcome.attempt) + " of " +
         std::to_string(planned.stage.retry.attempts);
}

}  // namespace stagebox::cli
