// SchedulerOptions: how a run is carried out, as opposed to what is run. None of it changes a
// result.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "scheduler/capacity.h"
#include "scheduler/critical_path.h"

namespace stagebox::scheduler {

enum class FailPolicy {
  kKeepGoing,  ///< A failure stops what depends on it and nothing else.
  kFailFast,   ///< After a failure only stages with `when: failure` or `always` are started.
};

struct SchedulerOptions {
  unsigned jobs = 1;  ///< Stages at a time; 0 is 1.
  FailPolicy fail_policy = FailPolicy::kKeepGoing;
  std::uint32_t seed = 0;  ///< Of the jitter of retries.
  Capacity capacity = {};  ///< What the stages that run at the same time may declare together.
  StageEstimates estimates = {};  ///< For the order of ready stages.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;  ///< Of the whole run.
};

}  // namespace stagebox::scheduler
