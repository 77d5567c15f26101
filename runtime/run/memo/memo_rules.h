// Which pipelines a RunMemo can be made of: those of which everything that decides a result is
// looked at by the memo.
#pragma once

#include "scheduler/plan.h"

namespace stagebox::run {

/// No for stages with secrets or a network, with another use of the cache than the default one, and
/// for whatever a pipeline can have that nobody has thought about here.
bool may_be_remembered(const scheduler::Pipeline& pipeline, const scheduler::Plan& plan);

}  // namespace stagebox::run
