#include "sandbox/cpu_time_watch.h"

#include <unistd.h>

#include <algorithm>

namespace stagebox::sandbox {

using std::chrono::milliseconds;

Watch::Answer look_at_cpu_time(std::chrono::microseconds used, milliseconds limit,
                               double processors) {
  if (used >= limit) {
    return {LimitHit{LimitHit::Which::kCpuTime, static_cast<std::uint64_t>(limit.count())}, {}};
  }
  // Sooner than with every processor busy it cannot be reached. The closer it comes, the more often
  // it is looked at; 10 ms bound that.
  const std::chrono::duration<double, std::milli> left = limit - used;
  const auto earliest = std::chrono::ceil<milliseconds>(left / processors);
  return {std::nullopt, std::max(earliest, milliseconds(10))};
}

Watch watch_cpu_time(const Sandbox& sandbox, const Limits& limits) {
  double processors = static_cast<double>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  if (limits.cpus) processors = std::clamp(*limits.cpus, 0.01, processors);
  return {[&sandbox, limit = limits.cpu_time.value_or(milliseconds::max()), processors] {
    return look_at_cpu_time(sandbox.cpu_time(), limit, processors);
  }};
}

}  // namespace stagebox::sandbox
