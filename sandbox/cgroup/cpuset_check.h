// Cpuset check: whether a cgroup got the processors and memory nodes that were written into it. v1
// refuses what the cgroup above has not; v2 takes it, and gives what the one above has.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "sandbox/spec/limits.h"

namespace stagebox::sandbox {

/// After the cpuset of `limits` was written in the v2 directory `dir`. kUnsupported, saying what
/// would be given instead (cpuset.cpus.effective, cpuset.mems.effective).
base::Result<void> check_cpuset(const std::string& dir, const Limits& limits);

}  // namespace stagebox::sandbox
