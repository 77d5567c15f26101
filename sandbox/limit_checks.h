// The limits' part of the self-check: each limit that needs a cgroup is set on a real one.
#pragma once

#include <vector>

#include "sandbox/self_check.h"

namespace stagebox::sandbox {

/// `scratch_dir` is where scratch directories are made. Leaves nothing.
std::vector<Check> check_limits(CgroupTree& cgroups, int scratch_dir);

}  // namespace stagebox::sandbox
