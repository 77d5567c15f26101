// The limits' part of the self-check: each limit that needs a cgroup is set on a real one.
#pragma once

#include <vector>

#include "sandbox/self_check.h"

namespace stagebox::sandbox {

/// What a check makes for a moment is called so.
inline constexpr char kProbeName[] = "self-check";

/// `scratch_dir` is where scratch directories are made; what helps against a refusal depends on
/// whose process this is. Leaves nothing.
std::vector<Check> check_limits(CgroupTree& cgroups, int scratch_dir, HostIds::Kind ids);

}  // namespace stagebox::sandbox
