// Where in the v2 hierarchy cgroups with controllers can be made. The kernel hands controllers down
// only from a cgroup that has no processes of its own (cgroup-v2.rst, "No Internal Process
// Constraint"), so the cgroup that a shell or a service manager started us in will often not do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/cgroup/cgroup_place.h"

namespace stagebox::sandbox {

/// The nearest place for a process in the cgroup directory `own` of the hierarchy mounted at
/// `mount`: `own` itself when only we and our children are in it (then we can move into a leaf) and
/// it has a controller, else, among the cgroups above it that we may write to and in which nobody
/// is, the one with the most controllers. The root of the machine's hierarchy may have processes.
/// Nothing when there is none; an Error when a list of controllers could not be read.
base::Result<std::optional<CgroupPlace>> find_v2_place(const std::string& own,
                                                       const std::string& mount);

/// Those of ours in a cgroup's list of members, which may hold others: this process and its
/// children.
std::vector<int> our_processes_in(const std::string& dir);

}  // namespace stagebox::sandbox
