#include "tests/support/delegated_cgroups.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>

#include "runtime/base/files.h"
#include "sandbox/cgroup/cgroup_discovery.h"
#include "sandbox/cgroup/cgroup_files.h"
#include "sandbox/cgroup/cgroup_removal.h"

namespace stagebox::testing {
namespace {

using base::Result;
using sandbox::CgroupPlace;
using sandbox::Controller;

// The files that cgroup-v2.rst ("Delegation") names; in v1 the directory and its lists of members.
Result<void> hand_over(const std::string& dir, uid_t uid) {
  for (const char* name : {"", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads",
                           "/tasks", "/memory.oom.group"}) {
    if (::chown((dir + name).c_str(), uid, uid) != 0 && errno != ENOENT)
      return base::errno_error("change the owner of " + dir + name);
  }
  return {};
}

Result<void> make_one(const CgroupPlace& place, const std::string& dir, uid_t uid) {
  TRY(base::make_dir_at(AT_FDCWD, dir, 0755));
  if (place.version == CgroupPlace::Version::kV1 && place.has(Controller::kCpuset)) {
    for (const char* file : {"cpuset.cpus", "cpuset.mems"})
      TRY(sandbox::write_value(dir, file, sandbox::read_or_empty(place.dir + "/" + file)));
  }
  return hand_over(dir, uid);
}

// On v2 the test and whatever it starts share a leaf, as the processes of a shell's scope do: so
// Stagebox is not alone in its cgroup, and there is a free one above it.
constexpr char kLeaf[] = "/tests";

// On v2 a cgroup gets what its parent hands down; a root cgroup may have processes all the same.
void hand_down(const CgroupPlace& place) {
  if (place.version != CgroupPlace::Version::kV2) return;
  for (const char* name : {"+cpu", "+cpuset", "+memory", "+pids", "+io", "+hugetlb"})
    (void)sandbox::write_value(place.dir, "cgroup.subtree_control", name);
}

[[noreturn]] void wait_and_remove(pid_t child, const std::vector<std::string>& dirs) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  int result = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  if (WIFSIGNALED(status))
    std::cerr << "the test was killed by SIG" << ::sigabbrev_np(WTERMSIG(status)) << '\n';
  for (const std::string& dir : dirs) {
    const auto removed = sandbox::remove_cgroup(dir);
    if (removed.ok()) continue;
    std::cerr << "left behind by the test: " << removed.error().message << '\n';
    (void)sandbox::remove_cgroup_tree(dir);
    result = 1;
  }
  ::_exit(result);
}

}  // namespace

Result<void> continue_in_delegated_cgroups(uid_t uid) {
  const std::string name = "stagebox-delegated-" + std::to_string(::getpid());
  std::vector<std::string> dirs;
  for (const CgroupPlace& place :
       sandbox::find_cgroup_places(sandbox::read_or_empty("/proc/self/mountinfo"),
                                   sandbox::read_or_empty("/proc/self/cgroup"))) {
    dirs.push_back(place.dir + "/" + name);
    hand_down(place);
    TRY(make_one(place, dirs.back(), uid));
    if (place.version != CgroupPlace::Version::kV2) continue;
    dirs.insert(dirs.begin(), dirs.back() + kLeaf);
    TRY(make_one(place, dirs.front(), uid));
  }
  const pid_t child = ::fork();
  if (child < 0) return base::errno_error("fork");
  if (child > 0) wait_and_remove(child, dirs);
  // A test that runs over its time is killed with the parent.
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  for (const std::string& dir : dirs) {
    const bool above_leaf = dirs.front() == dir + kLeaf;
    if (!above_leaf) TRY(sandbox::write_value(dir, "cgroup.procs", std::to_string(::getpid())));
  }
  return {};
}

}  // namespace stagebox::testing
