// Lays out a SandboxSpec as the flat plan that the child walks. Pure: the whole order of set-up is
// decided, and tested, here.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/ids/user_counts.h"
#include "sandbox/kernel/kernel_features.h"
#include "sandbox/plan/process_plan.h"
#include "sandbox/spec/sandbox_spec.h"

namespace stagebox::sandbox {

/// The bytes of a child::PlanHeader and all it refers to. Steps refer to descriptors in this order:
/// scratch, layers (top first), inputs, binds, the channel (if something is handed out). `counts`
/// are for who makes its namespaces as himself.
base::Result<std::vector<std::byte>> build_child_plan(const SandboxSpec& spec,
                                                      const KernelFeatures& features,
                                                      ExecMoment moment = ExecMoment::kAtOnce,
                                                      const std::optional<UserCounts>& counts = {});

/// The plan of a process that is added to a running sandbox (child::join_main). It refers to one
/// descriptor, and only if the sandbox has labels: of the /proc outside, since who is inside cannot
/// mount one that nobody else sees.
base::Result<std::vector<std::byte>> build_exec_plan(const ProcessSpec& process,
                                                     const ProcessWalls& walls);

}  // namespace stagebox::sandbox
