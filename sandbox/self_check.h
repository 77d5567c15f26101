// Self-check: finds out, by doing it, what this machine lets us enforce, and says how to get what
// is missing. `doctor` prints it and error messages point to it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sandbox/cgroup/cgroup_tree.h"
#include "sandbox/fork_server/fork_server.h"
#include "sandbox/ids/id_map.h"

namespace stagebox::sandbox {

struct Check {
  enum class State {
    kEnforced,
    kDegraded,  ///< Works, with the restriction that `detail` names.
    kRefused,   ///< What needs it is refused.
  };
  std::string name;
  State state = State::kRefused;
  std::string detail;  ///< How it is enforced, or why it is not.
  std::string remedy;  ///< Empty when enforced.
};

/// Starts a real sandbox over an empty root in `scratch_dir` (of the state directory), whose
/// command does not exist, and looks for cgroups. Leaves nothing.
std::vector<Check> self_check(const std::shared_ptr<HostIds>& ids, ForkServer& server,
                              CgroupTree& cgroups, int scratch_dir);

}  // namespace stagebox::sandbox
