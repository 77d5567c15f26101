// Where cgroups can be made: reads what the kernel says of this process's own cgroups and of the
// mounted hierarchies. Pure apart from the caller's reading of the two files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/cgroup/cgroup_place.h"

namespace stagebox::sandbox {

/// One candidate per hierarchy that has a controller of ours: the directory of our own cgroup in
/// it. `mountinfo` and `cgroup` are the contents of /proc/self/mountinfo and /proc/self/cgroup
/// (cgroups(7)). v2 places come without controllers: those are in their cgroup.controllers file.
std::vector<CgroupPlace> find_cgroup_places(std::string_view mountinfo, std::string_view cgroup);

}  // namespace stagebox::sandbox
