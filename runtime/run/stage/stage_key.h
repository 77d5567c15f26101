// Stage key: the Remote Execution API Action of a stage, from what enters it. Pure. What is in the
// key and what is not is listed in docs/architecture.md, "The stage key".
#pragma once

#include <string>
#include <vector>

#include "images/archive/image.h"
#include "runtime/base/result.h"
#include "runtime/base/trust_domain.h"
#include "runtime/run/stage/stage_command.h"
#include "runtime/run/stage/stage_inputs.h"
#include "runtime/store/action.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

store::ActionSpec make_action_spec(const scheduler::Stage& stage, const StageCommand& command,
                                   const std::string& user, const images::Image& image,
                                   const std::vector<ResolvedInput>& inputs,
                                   const base::TrustDomain& domain);
/// The part of it that says whose it is.
std::string action_salt(const scheduler::Stage& stage, const base::TrustDomain& domain);

}  // namespace stagebox::run
