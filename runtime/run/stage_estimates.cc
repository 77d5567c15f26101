#include "runtime/run/stage_estimates.h"

namespace stagebox::run {

const std::string& recorded_name(const scheduler::Pipeline& pipeline, const std::string& file) {
  return pipeline.name.empty() ? file : pipeline.name;
}

base::Result<scheduler::StageEstimates> stage_estimates(const scheduler::Plan& plan,
                                                        const store::RunStore& runs,
                                                        const std::string& recorded_name) {
  const auto known = TRY(runs.stage_durations(recorded_name));
  scheduler::StageEstimates estimates(plan.size());
  for (const scheduler::PlannedStage& planned : plan.stages()) {
    const auto found = known.find(planned.stage.id);
    if (found != known.end()) estimates[planned.index] = found->second;
  }
  return estimates;
}

}  // namespace stagebox::run
