#include "scheduler/retry.h"

#include <algorithm>

namespace stagebox::scheduler {
namespace {

bool is_stage_failure(FailureCause cause) {
  return cause != FailureCause::kNone && cause != FailureCause::kInfrastructure &&
         cause != FailureCause::kRefused;
}

struct Matches {
  const StageOutcome& outcome;

  bool operator()(RetryOn on) const {
    switch (on) {
      case RetryOn::kFailure:
        return is_stage_failure(outcome.cause);
      case RetryOn::kTimeout:
        return outcome.cause == FailureCause::kTimeout;
      case RetryOn::kOom:
        return outcome.cause == FailureCause::kOom;
      case RetryOn::kInfrastructure:
        return outcome.cause == FailureCause::kInfrastructure;
      case RetryOn::kService:
        return outcome.cause == FailureCause::kService;
      case RetryOn::kTests:
        return outcome.cause == FailureCause::kExit && outcome.failed_tests;
    }
    return false;
  }
  bool operator()(RetryOnExit on) const {
    return outcome.cause == FailureCause::kExit && outcome.exit_status == on.status;
  }
};

}  // namespace

bool retries_after(const Retry& retry, const StageOutcome& outcome) {
  return std::ranges::any_of(retry.on, [&](const RetryCondition& condition) {
    return std::visit(Matches{outcome}, condition);
  });
}

std::chrono::milliseconds retry_delay(const Retry& retry, unsigned attempt, double chance) {
  std::chrono::milliseconds delay = retry.backoff;
  for (unsigned i = 1; i < attempt && delay < kMostBackoff; ++i) delay *= 2;
  delay = std::min<std::chrono::milliseconds>(delay, kMostBackoff);
  const double part = 1.0 - std::clamp(chance, 0.0, 1.0) / 2;
  return std::chrono::duration_cast<std::chrono::milliseconds>(delay * part);
}

}  // namespace stagebox::scheduler
