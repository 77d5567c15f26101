// dry_run: what a run would do, without anything being run or made.
#pragma once

#include "runtime/cli/pipeline_file.h"
#include "scheduler/plan.h"

namespace stagebox::cli {

/// Prints the stages, in the order in which a run would start them one by one. Its exit status.
int dry_run(const LoadedPipeline& loaded, const scheduler::Plan& plan);

}  // namespace stagebox::cli
