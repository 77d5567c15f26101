#include "scheduler/stage_state.h"

namespace stagebox::scheduler {

bool is_final(StageState state) {
  return state != StageState::kPending && state != StageState::kReady &&
         state != StageState::kRunning && state != StageState::kRetrying;
}

bool has_outputs(StageState state) {
  return state == StageState::kSucceeded || state == StageState::kCached;
}

bool counts_as_success(StageState state) {
  return has_outputs(state) || state == StageState::kAllowedFailure;
}

bool is_failure(StageState state) {
  return state == StageState::kFailed || state == StageState::kError ||
         state == StageState::kAllowedFailure || state == StageState::kRetrying;
}

bool is_ours(const StageOutcome& failure) {
  return failure.cause == FailureCause::kInfrastructure || failure.state == StageState::kError;
}

std::string_view to_string(StageState state) {
  switch (state) {
    case StageState::kPending:
      return "pending";
    case StageState::kReady:
      return "ready";
    case StageState::kRunning:
      return "running";
    case StageState::kRetrying:
      return "retrying";
    case StageState::kSucceeded:
      return "succeeded";
    case StageState::kCached:
      return "cached";
    case StageState::kFailed:
      return "failed";
    case StageState::kAllowedFailure:
      return "allowed failure";
    case StageState::kSkipped:
      return "skipped";
    case StageState::kCancelled:
      return "cancelled";
    case StageState::kError:
      return "error";
  }
  return "";
}

}  // namespace stagebox::scheduler
