// check_cycles: no stage may need itself, neither directly nor by way of others.
#pragma once

#include "scheduler/diagnostics.h"
#include "scheduler/pipeline.h"
#include "scheduler/strong_components.h"

namespace stagebox::scheduler {

/// `needed_by_stage[i]` are the indices of the stages that stage i needs. Adds a mistake at the
/// first stage of each cycle that has to be cut whatever becomes of the others.
void check_cycles(const Pipeline& pipeline, const Successors& needed_by_stage,
                  Diagnostics& diagnostics);

}  // namespace stagebox::scheduler
