#include "runtime/run/engine/permit.h"

#include <algorithm>

#include "runtime/run/stage/stage_spec.h"

namespace stagebox::run {
namespace {

void add_image(const std::string& name, const scheduler::Pipeline& pipeline, Asked& asked) {
  asked.image = name;
  if (const scheduler::Image* image = pipeline.find_image(name)) asked.pin = image->digest;
}

// It has the stage's network, and it may keep the stage waiting until it is ready.
Asked asked_by_service(const scheduler::Service& service, const scheduler::Stage& stage,
                       const scheduler::Pipeline& pipeline) {
  Asked asked;
  asked.who = "service " + service.name + " of stage " + stage.id;
  asked.network = stage.network;
  for (const scheduler::StageSecret& secret : service.secrets) asked.secrets.push_back(secret.name);
  asked.limits = make_limits(service.resources);
  asked.timeout = service.ready.timeout;
  add_image(service.image, pipeline, asked);
  return asked;
}

Asked asked_alone(const scheduler::Stage& stage, const scheduler::Pipeline& pipeline) {
  Asked asked;
  asked.who = "stage " + stage.id;
  asked.network = stage.network;
  for (const scheduler::StageSecret& secret : stage.secrets) asked.secrets.push_back(secret.name);
  asked.capabilities = stage.capabilities;
  asked.limits = make_limits(stage.resources);
  asked.timeout = stage.timeout;
  asked.has_caches = !stage.caches.empty();
  for (const scheduler::Cache& cache : stage.caches)
    asked.cache_size = std::max(asked.cache_size, cache.max_size);
  add_image(stage.image, pipeline, asked);
  return asked;
}

}  // namespace

// Takes what is asked for piece by piece: that of 10,000 stages together is megabytes.
class Judgement {
 public:
  explicit Judgement(const Policy& policy) : policy_(policy) {}

  void take(std::span<const Asked> asked) {
    for (const Asked& one : asked) {
      for (const std::string& refusal : policy_.refusals(one))
        refusals_ += (refusals_.empty() ? "" : "\n") + refusal;
    }
  }
  base::Result<Permit> conclude() && {
    if (refusals_.empty()) return Permit(policy_);
    return base::invalid(std::move(refusals_));
  }

 private:
  const Policy& policy_;
  std::string refusals_;
};

base::Result<Permit> permit(const Policy& policy, std::span<const Asked> asked) {
  Judgement judgement(policy);
  judgement.take(asked);
  return std::move(judgement).conclude();
}

base::Result<Permit> permit(const Policy& policy, const scheduler::Plan& plan,
                            const scheduler::Pipeline& pipeline) {
  Judgement judgement(policy);
  for (const scheduler::PlannedStage& planned : plan.stages()) {
    if (planned.stage.condition) judgement.take(asked_by(planned.stage, pipeline));
  }
  return std::move(judgement).conclude();
}

std::vector<Asked> asked_by(const scheduler::Stage& stage, const scheduler::Pipeline& pipeline) {
  std::vector<Asked> asked{asked_alone(stage, pipeline)};
  for (const scheduler::Service& service : stage.services)
    asked.push_back(asked_by_service(service, stage, pipeline));
  return asked;
}

}  // namespace stagebox::run
