// What an attempt came to, for the scheduler: from how its sandbox ended, or from why there was
// none. Here infrastructure failure is told apart from stage failure.
#pragma once

#include "runtime/base/error.h"
#include "sandbox/exit_report.h"
#include "scheduler/stage_state.h"

namespace stagebox::run {

/// Of a report that is not a success. A sandbox that was killed because the machine, not its own
/// limit, was out of memory is a failure of the infrastructure: kError. A disk that the stage
/// filled up to the machine's reserve is the stage's doing, as it can have a limit of its own.
scheduler::StageOutcome outcome_of(const sandbox::ExitReport& report);

/// Of an error of ours. kSystem is the machine's and may be gone the next time: infrastructure. So
/// is a sandbox that could not be set up for want of memory, disk, descriptors or processes. The
/// rest will be the same the next time, kRefused, as it is when a process of ours was killed that
/// is not started again: what the user gave (an input that has a fifo, a user that the image does
/// not have) is a failure of the stage, or whoever sends us code could raise the alarm that we are
/// broken; what cannot be enforced here or is stored wrongly is ours.
scheduler::StageOutcome outcome_of(const base::Error& error);

}  // namespace stagebox::run
