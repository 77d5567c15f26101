#include "sandbox/cpu_rlimit.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>

namespace stagebox::sandbox {
namespace {

// The limit goes by ticks, each of which is counted as a whole for whoever runs when it comes, and
// what was used by the scheduler's clock. On a busy machine that was seen to be a tenth less.
constexpr std::chrono::microseconds kSecondByTicks(750'000);

}  // namespace

std::optional<Rlimit> cpu_rlimit(std::span<const Rlimit> rlimits) {
  const auto found = std::ranges::find(rlimits, RLIMIT_CPU, &Rlimit::resource);
  return found != rlimits.end() ? std::optional(*found) : std::nullopt;
}

std::optional<LikelyLimit> likely_cpu_rlimit(const ExitReport& report, const Rlimit& limit) {
  const int status = report.shell_status();
  const bool soft = status == 128 + SIGXCPU;
  if (!soft && status != 128 + SIGKILL) return std::nullopt;
  // The kernel takes 0 for 1.
  const std::uint64_t seconds = std::max<std::uint64_t>(soft ? limit.soft : limit.hard, 1);
  const auto used = (report.usage.user_cpu + report.usage.system_cpu) / kSecondByTicks;
  if (static_cast<std::uint64_t>(used) < seconds) return std::nullopt;
  return LikelyLimit{.which = LikelyLimit::Which::kProcessCpuTime, .limit = seconds};
}

}  // namespace stagebox::sandbox
