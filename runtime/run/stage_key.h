// Stage key: the Remote Execution API Action of a stage, from what enters it. Pure. What is in the
// key and what is not is listed in docs/architecture.md, "The stage key".
#pragma once

#include <string>
#include <vector>

#include "images/image.h"
#include "runtime/base/result.h"
#include "runtime/run/stage_command.h"
#include "runtime/run/stage_inputs.h"
#include "runtime/store/action.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// The domain of every run of this version; the salt of its actions.
inline constexpr char kTrustedDomain[] = "trusted";

store::ActionSpec make_action_spec(const scheduler::Stage& stage, const StageCommand& command,
                                   const std::string& user, const images::Image& image,
                                   const std::vector<ResolvedInput>& inputs);

}  // namespace stagebox::run
