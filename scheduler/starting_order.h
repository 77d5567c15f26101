// starting_order: in which order a run with one slot would start the stages of a plan. For who
// wants to know it beforehand; a run decides as it goes.
#pragma once

#include <cstddef>
#include <vector>

#include "scheduler/critical_path.h"
#include "scheduler/plan.h"

namespace stagebox::scheduler {

/// All of them, as if none were skipped.
std::vector<std::size_t> starting_order(const Plan& plan, const StageEstimates& estimates);

}  // namespace stagebox::scheduler
