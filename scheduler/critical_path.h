// critical_paths: how much of a run is still to come when a stage is about to start.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/plan.h"

namespace stagebox::scheduler {

/// How long each stage of the plan took before, by index; none where that is not known.
using StageEstimates = std::vector<std::optional<std::chrono::milliseconds>>;

/// By stage: the milliseconds of the longest way from its start to the end of the run. A stage that
/// is not known counts as much as the median of those that are; when none is, the way has as many
/// equal steps as stages.
std::vector<std::uint64_t> critical_paths(const Plan& plan, const StageEstimates& estimates);

}  // namespace stagebox::scheduler
