// Makes this process, and all it starts, believe that the kernel lacks a system call or a kind of
// namespace: what older kernels are to us, on any kernel.
#pragma once

#include "runtime/base/result.h"

namespace stagebox::testing {

/// Reads a name from STAGEBOX_TEST_MISSING: of a system call, which from then on fails with ENOSYS,
/// or "time_namespace": there is none that could be made, entered or looked at (EINVAL, as where
/// CONFIG_TIME_NS is not set). Nothing set: does nothing. Needs root; what becomes of this process
/// later keeps the filter.
base::Result<void> hide_kernel_feature();

}  // namespace stagebox::testing
