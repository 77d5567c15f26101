// check_paths: inputs and outputs of one stage must not be in each other's way.
#pragma once

#include "scheduler/diagnostics.h"
#include "scheduler/pipeline.h"

namespace stagebox::scheduler {

/// Reports overlapping inputs, overlapping outputs, and outputs on, around or inside inputs; inside
/// an overlay input is fine, because the stage can write there. Test reports lie in no input. Paths
/// that are "." are those that were reported already, and are skipped.
void check_paths(const Stage& stage, Diagnostics& diagnostics);

}  // namespace stagebox::scheduler
