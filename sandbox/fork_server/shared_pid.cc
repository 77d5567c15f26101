#include "sandbox/fork_server/shared_pid.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cerrno>

namespace stagebox::sandbox {

SharedPid::SharedPid() {
  void* page =
      ::mmap(nullptr, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page != MAP_FAILED) pid_ = static_cast<pid_t*>(page);
}

SharedPid::~SharedPid() {
  if (valid()) ::munmap(pid_, sizeof(pid_t));
}

void SharedPid::end_child() const {
  const pid_t pid = *pid_;
  // The number of a child is its own until it is waited for; one of somebody else's is no child.
  if (pid <= 0 || ::wait4(pid, nullptr, WNOHANG, nullptr) != 0) return;
  (void)::kill(pid, SIGKILL);
  while (::wait4(pid, nullptr, 0, nullptr) < 0 && errno == EINTR) {
  }
}

}  // namespace stagebox::sandbox
