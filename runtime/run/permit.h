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
  friend base::Result<Permit> permit(const Policy& policy, std::span<const Asked> asked);
};

/// kInvalid with a line for each rule that refuses something.
base::Result<Permit> permit(const Policy& policy, std::span<const Asked> asked);

/// What the stages of a plan and their services ask for; not those whose condition keeps them from
/// running.
std::vector<Asked> asked_by(const scheduler::Plan& plan, const scheduler::Pipeline& pipeline);

}  // namespace stagebox::run
