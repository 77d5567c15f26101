// Limit warning: what is said to a user who cannot make the cgroups that limits need, or has not
// the ids that images need.
#pragma once

#include <string>

#include "sandbox/cgroup/cgroup_tree.h"
#include "sandbox/ids/id_map.h"
#include "sandbox/spec/limits.h"

namespace stagebox::cli {

/// A limit that cannot be enforced is refused; what was not asked for, but would have had a
/// default, is said with this. `whose` follows the names of the limits. A line for stderr; empty
/// when nothing is missing.
std::string warning_of_missing_limits(const sandbox::Limits& asked,
                                      const sandbox::CgroupTree& cgroups, const std::string& whose);

/// Of a user with a single id: what an image loses here. A line for stderr; empty where it loses
/// nothing.
std::string warning_of_lost_owners(const sandbox::HostIds& ids);

}  // namespace stagebox::cli
