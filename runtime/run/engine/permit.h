// Permit: that the policy permits a sandbox. Every way to a sandbox (a stage of a run, one of a
// resumed run, `exec`) goes through permit(), because nothing else makes a Permit and the launcher
// starts nothing without one.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/policy/policy.h"
#include "scheduler/plan.h"

namespace stagebox::run {

class Permit {
 public:
  [[nodiscard]] const Policy& policy() const { return policy_; }

 private:
  explicit Permit(Policy policy) : policy_(std::move(policy)) {}
  Policy policy_;
  friend class Judgement;
};

/// kInvalid with a line for each rule that refuses something.
base::Result<Permit> permit(const Policy& policy, std::span<const Asked> asked);
/// The same of the stages of a plan, but not those whose condition keeps them from running.
base::Result<Permit> permit(const Policy& policy, const scheduler::Plan& plan,
                            const scheduler::Pipeline& pipeline);

/// What a stage asks for, and then each of its services.
std::vector<Asked> asked_by(const scheduler::Stage& stage, const scheduler::Pipeline& pipeline);

}  // namespace stagebox::run
