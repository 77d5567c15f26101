// Which attempt of how many, where a stage had or will have more than one.
#pragma once

#include <string>

#include "scheduler/plan.h"
#include "scheduler/stage_state.h"

namespace stagebox::cli {

/// "attempt 2 of 3: DETAIL", without what goes without saying, or is empty.
inline std::string with_attempt(const scheduler::PlannedStage& planned,
                                const scheduler::StageOutcome& outcome, const std::string& detail) {
  if (outcome.attempt <= 1 && outcome.state != scheduler::StageState::kRetrying) return detail;
  return "attempt " + std::to_string(outcome.attempt) + " of " +
         std::to_string(planned.stage.retry.attempts) + (detail.empty() ? "" : ": " + detail);
}

}  // namespace stagebox::cli
