// Retry: after which failures a stage is tried again, how often, and after what time. Pure; the
// waiting is Scheduler's business.
#pragma once

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "scheduler/stage_state.h"

namespace stagebox::scheduler {

/// What `on` can name besides exit statuses.
enum class RetryOn {
  kFailure,         ///< Whatever is the stage's own doing; kTimeout and kOom are part of it.
  kTimeout,         ///< Its own timeout.
  kOom,             ///< Its memory limit.
  kInfrastructure,  ///< The machine failed, not the stage.
  kService,         ///< A service of the stage; part of kFailure too.
  kTests,           ///< It exited with a status of failure, and its reports name cases that failed.
};
struct RetryOnExit {
  int status = 1;  ///< 1 to 255.
};
using RetryCondition = std::variant<RetryOn, RetryOnExit>;

/// Without `retry` in the file only the machine's failures are tried again: often they do not come
/// twice (a full table, a lost race for memory), and it was not the stage that failed.
struct Retry {
  unsigned attempts = 3;                    ///< All together, the first one included. At least 1.
  std::chrono::milliseconds backoff{1000};  ///< Before the second attempt; doubles with each.
  std::vector<RetryCondition> on{RetryOn::kInfrastructure};
};

/// No wait is longer.
inline constexpr std::chrono::minutes kMostBackoff{10};

/// Whether a failure with the cause of `outcome` is worth another attempt, however many there were.
bool retries_after(const Retry& retry, const StageOutcome& outcome);
/// How long to wait after attempt `attempt` (from 1) failed: backoff times 2^(attempt - 1), at most
/// kMostBackoff, of which `chance`, from 0 to 1, takes away up to a half. Stages that failed
/// together, for one reason, so do not come back together.
std::chrono::milliseconds retry_delay(const Retry& retry, unsigned attempt, double chance);

}  // namespace stagebox::scheduler
