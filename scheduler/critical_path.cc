#include "scheduler/critical_path.h"

#include <algorithm>
#include <ranges>

namespace stagebox::scheduler {
namespace {

// A stage that took no measurable time still is a step of the way.
std::uint64_t weight(std::chrono::milliseconds duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 1));
}

std::uint64_t typical_weight(const StageEstimates& estimates) {
  std::vector<std::uint64_t> known;
  for (const auto& estimate : estimates) {
    if (estimate) known.push_back(weight(*estimate));
  }
  if (known.empty()) return 1;
  const auto middle = known.begin() + static_cast<std::ptrdiff_t>(known.size() / 2);
  std::ranges::nth_element(known, middle);
  return *middle;
}

}  // namespace

std::vector<std::uint64_t> critical_paths(const Plan& plan, const StageEstimates& estimates) {
  const std::uint64_t typical = typical_weight(estimates);
  std::vector<std::uint64_t> paths(plan.size());
  for (const std::size_t index : std::views::reverse(plan.order())) {
    const PlannedStage& planned = plan.stages()[index];
    std::uint64_t after = 0;
    for (const std::size_t edge : planned.edges_out)
      after = std::max(after, paths[plan.edges()[edge].to]);
    const bool known = index < estimates.size() && estimates[index].has_value();
    paths[index] = after + (known ? weight(*estimates[index]) : typical);
  }
  return paths;
}

}  // namespace stagebox::scheduler
