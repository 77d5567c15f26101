// The part of a plan that makes a forked process the stage's: session, limits, identity, walls,
// exec. Pure. The order is what protects: see the comments in the .cc.
#pragma once

#include "sandbox/kernel/kernel_features.h"
#include "sandbox/kernel/landlock_policy.h"
#include "sandbox/plan/plan_writer.h"
#include "sandbox/spec/sandbox_spec.h"

namespace stagebox::sandbox {

/// What a process has of its sandbox rather than of its own.
struct ProcessWalls {
  const SeccompProgram& seccomp;
  LandlockPolicy landlock;
  SandboxSpec::Groups groups = SandboxSpec::Groups::kSettable;
  SecurityLabels labels = {};
};

enum class ExecMoment {
  kAtOnce,
  kWhenTold,  ///< The process waits, complete but for its filter; see Sandbox::create.
};

/// For a process that is added, before everything else.
void plan_added(const ProcessSpec& process, PlanWriter& plan);
/// Before everything else, when the /proc that it takes has been opened.
void plan_labels(const SecurityLabels& labels, PlanWriter& plan);

/// Before plan_process, while the process is root of its namespaces; nothing without a terminal.
void plan_terminal(const ProcessSpec& process, PlanWriter& plan);

void plan_process(const ProcessSpec& process, const ProcessWalls& walls, ExecMoment moment,
                  PlanWriter& plan);

}  // namespace stagebox::sandbox
