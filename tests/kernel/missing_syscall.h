// Makes this process, and all it starts, believe that the kernel lacks a system call: what older
// kernels are to us, on any kernel.
#pragma once

#include "runtime/base/result.h"

namespace stagebox::testing {

/// Reads a name from STAGEBOX_TEST_MISSING; from then on the call of that name fails with ENOSYS.
/// Nothing set: does nothing. Needs root.
base::Result<void> hide_system_call();

}  // namespace stagebox::testing
