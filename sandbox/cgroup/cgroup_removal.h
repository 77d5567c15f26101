// Cgroup removal: kills what is in a cgroup, whatever it does against it, and removes the
// directory.
#pragma once

#include <string>

#include "runtime/base/result.h"

namespace stagebox::sandbox {

enum class KillMethod {
  kBest,        ///< cgroup.kill (v2, Linux 5.14) where there is one, else as below.
  kSignalEach,  ///< Freeze where that is possible, SIGKILL to each member, until there is none.
};

/// Returns when cgroup.procs is empty (dead processes that nobody waited for do not show there);
/// kSystem when that took longer than ten seconds.
base::Result<void> kill_members(const std::string& dir, KillMethod method = KillMethod::kBest);

/// rmdir that waits briefly for the kernel to let go of dead processes. No directory is success.
base::Result<void> remove_cgroup(const std::string& dir);

/// Kills what is in the directory and everywhere below it, and removes all of it. What is no cgroup
/// is left alone: who wrote down its name cannot know what is there later.
base::Result<void> remove_cgroup_tree(const std::string& dir);

}  // namespace stagebox::sandbox
