#include "runtime/run/permit.h"

#include <algorithm>

#include "runtime/run/stage_spec.h"

namespace stagebox::run {
namespace {

Asked asked_by(const scheduler::Stage& stage, const scheduler::Pipeline& pipeline) {
  Asked asked;
  asked.who = "stage " + stage.id;
  asked.network = stage.network;
  for (const scheduler::StageSecret& secret : stage.secrets) asked.secrets.push_back(secret.name);
  asked.limits = make_limits(stage.resources);
  asked.timeout = stage.timeout;
  asked.has_caches = !stage.caches.empty();
  for (const scheduler::Cache& cache : stage.caches)
    asked.cache_size = std::max(asked.cache_size, cache.max_size);
  asked.image = stage.image;
  if (const scheduler::Image* image = pipeline.find_image(stage.image)) asked.pin = image->digest;
  return asked;
}

}  // namespace

base::Result<Permit> permit(const Policy& policy, std::span<const Asked> asked) {
  std::string refusals;
  for (const Asked& one : asked) {
    for (const std::string& refusal : policy.refusals(one))
      refusals += (refusals.empty() ? "" : "\n") + refusal;
  }
  if (refusals.empty()) return Permit(policy);
  return base::invalid(std::move(refusals));
}

std::vector<Asked> asked_by(const scheduler::Plan& plan, const scheduler::Pipeline& pipeline) {
  std::vector<Asked> asked;
  for (const scheduler::PlannedStage& planned : plan.stages()) {
    if (planned.stage.condition) asked.push_back(asked_by(planned.stage, pipeline));
  }
  return asked;
}

}  // namespace stagebox::run
