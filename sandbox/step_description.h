// Says in words what a step of a plan does, for the message about its failure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace stagebox::sandbox {

/// What the step was about to do, for an error message: "mount proc on \"/proc\"".
std::string describe_step(const std::vector<std::byte>& plan, std::size_t index);
/// True when the step is the exec of the stage's command: its failure is the stage's, not ours.
bool is_exec_step(const std::vector<std::byte>& plan, std::size_t index);

}  // namespace stagebox::sandbox
