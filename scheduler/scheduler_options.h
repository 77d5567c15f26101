// SchedulerOptions: how a run is carried out, as opposed to what is run. None of it changes a
// result.
#pragma once

#include <cstdint>

namespace stagebox::scheduler {

enum class FailPolicy {
  kKeepGoing,  ///< A failure stops what depends on it and nothing else.
  kFailFast,   ///< After a failure only stages with `when: failure` or `always` are started.
};

struct SchedulerOptions {
  unsigned jobs = 1;  ///< Stages at a time; 0 is 1.
  FailPolicy fail_policy = FailPolicy::kKeepGoing;
  std::uint32_t seed = 0;  ///< Of the jitter of retries.
};

}  // namespace stagebox::scheduler
