// The policy of a command: the machine's file, and the one that was named on the command line. Both
// are the runner's; nothing of a project is ever read.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/run/policy/policy.h"

namespace stagebox::run {

struct PolicySources {
  std::string machine = kMachinePolicy;  ///< Need not be there.
  std::optional<std::string> file;       ///< --policy; can only narrow what the machine's permits.
  /// The pipeline's directory; `file` must not lie in it. Empty: there is none.
  std::string project;
};

/// kInvalid for mistakes in a policy, one that others can write to, and one of the project's. A
/// machine's policy that is there and cannot be read is an error: it is not ignored.
base::Result<Policy> load_policy(base::Trust trust, const PolicySources& sources);

}  // namespace stagebox::run
