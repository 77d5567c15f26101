// Says in words what a step of a plan does, for the message about its failure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sandbox/child/child_plan.h"

namespace stagebox::sandbox {

/// What the step was about to do, for an error message: "mount proc on \"/proc\"".
std::string describe_step(const std::vector<std::byte>& plan, std::size_t index);
/// Whether there is such a step, and it is of that kind.
bool is_step(const std::vector<std::byte>& plan, std::size_t index, child::StepKind kind);

}  // namespace stagebox::sandbox
