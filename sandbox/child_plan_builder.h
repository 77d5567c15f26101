// Lays out a SandboxSpec as the flat plan that the child walks. Pure: the whole order of set-up is
// decided, and tested, here.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/kernel_features.h"
#include "sandbox/sandbox_spec.h"

namespace stagebox::sandbox {

/// The bytes of a child::PlanHeader and all it refers to. Steps refer to descriptors in this order:
/// scratch, layers (top first), inputs, the proxy's channel (if there is one).
base::Result<std::vector<std::byte>> build_child_plan(const SandboxSpec& spec,
                                                      const KernelFeatures& features);

}  // namespace stagebox::sandbox
