// validate: what must hold between the parts of a pipeline: names resolve, paths do not overlap,
// the graph has no cycle. The form of each part has been checked by its reader.
#pragma once

#include "scheduler/diagnostics.h"
#include "scheduler/pipeline.h"

namespace stagebox::scheduler {

/// Adds every mistake to `diagnostics`.
void validate(const Pipeline& pipeline, Diagnostics& diagnostics);

}  // namespace stagebox::scheduler
