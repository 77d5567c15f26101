// Watches the CPU time of a sandbox. The kernel has a limit for that per process only.
#pragma once

#include <chrono>

#include "sandbox/supervision.h"

namespace stagebox::sandbox {

/// `processors`: how many the sandbox can use at once, 1 or more.
Watch::Answer look_at_cpu_time(std::chrono::microseconds used, std::chrono::milliseconds limit,
                               double processors);

/// `sandbox` outlives the watch.
Watch watch_cpu_time(const Sandbox& sandbox, const Limits& limits);

}  // namespace stagebox::sandbox
