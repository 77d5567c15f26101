#include "sandbox/cgroup/cgroup_removal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <sstream>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"
#include "sandbox/cgroup/cgroup_files.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;

// Neither version offers v1's emptiness, or the moment from which rmdir works, for polling: both
// are asked for with pauses, short at first.
constexpr int kAttempts = 1000;
void pause_before(int attempt) {
  const struct timespec pause{0, attempt < 20 ? 500'000 : 10'000'000};
  (void)::nanosleep(&pause, nullptr);
}

std::vector<pid_t> members(const std::string& dir) {
  std::istringstream pids(read_or_empty(dir + "/cgroup.procs"));
  std::vector<pid_t> found;
  for (pid_t pid = 0; pids >> pid;) {
    if (pid > 1) found.push_back(pid);  // 0: of a pid namespace that we do not see
  }
  return found;
}

// A number read from cgroup.procs may have become another process's. Once there is a pidfd it
// cannot any more: a second look tells whether it is the member's.
void kill_member(const std::string& dir, pid_t pid) {
  const UniqueFd pidfd(base::sys::pidfd_open(pid));
  if (!pidfd.valid()) return;
  for (const pid_t member : members(dir)) {
    if (member == pid) (void)base::sys::pidfd_send_signal(pidfd.get(), SIGKILL);
  }
}

// v2 kills frozen tasks as well, and a frozen one forks no more. In v1 the sandbox's pid 1 is among
// the members, and with it the kernel kills its whole pid namespace, forks under way included.
void signal_each(const std::string& dir) {
  (void)write_value(dir, "cgroup.freeze", "1");
  for (const pid_t pid : members(dir)) kill_member(dir, pid);
}

bool is_cgroup(int dir_fd) {
  struct statfs status{};
  if (::fstatfs(dir_fd, &status) != 0) return false;
  return status.f_type == CGROUP_SUPER_MAGIC || status.f_type == CGROUP2_SUPER_MAGIC;
}

}  // namespace

Result<void> kill_members(const std::string& dir, KillMethod method) {
  for (int attempt = 0; !members(dir).empty(); ++attempt) {
    const bool killed = method == KillMethod::kBest && write_value(dir, "cgroup.kill", "1").ok();
    if (!killed) signal_each(dir);
    if (attempt == kAttempts)
      return base::system_error("kill the processes in the cgroup " + dir, EBUSY);
    pause_before(attempt);
  }
  return {};
}

Result<void> remove_cgroup(const std::string& dir) {
  for (int attempt = 0;; ++attempt) {
    if (::rmdir(dir.c_str()) == 0 || errno == ENOENT) return {};
    if (errno != EBUSY || attempt == kAttempts)
      return base::errno_error("remove the cgroup " + dir);
    pause_before(attempt);
  }
}

Result<void> remove_cgroup_tree(const std::string& directory) {
  const UniqueFd dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dir) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return {};
    return base::errno_error("open the cgroup " + directory);
  }
  if (!is_cgroup(dir.get())) return {};
  for (const std::string& name : TRY(base::list_dir(dir.get()))) {
    const struct stat status = TRY(base::stat_at(dir.get(), name));
    if (!S_ISDIR(status.st_mode)) continue;
    std::string child = directory;
    child.append("/").append(name);
    TRY(remove_cgroup_tree(child));
  }
  TRY(kill_members(directory));
  return remove_cgroup(directory);
}

}  // namespace stagebox::sandbox
