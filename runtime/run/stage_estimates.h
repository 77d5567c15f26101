// stage_estimates: how long the stages of a plan took in the last runs of its pipeline.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_store.h"
#include "scheduler/critical_path.h"
#include "scheduler/pipeline.h"
#include "scheduler/plan.h"

namespace stagebox::run {

/// As RunStore::stage_durations() knows the pipeline of a file.
const std::string& recorded_name(const scheduler::Pipeline& pipeline, const std::string& file);
base::Result<scheduler::StageEstimates> stage_estimates(const scheduler::Plan& plan,
                                                        const store::RunStore& runs,
                                                        const std::string& recorded_name);

}  // namespace stagebox::run
