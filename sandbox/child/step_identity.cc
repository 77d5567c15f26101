// The steps that decide who the stage's process is and what it may do.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "runtime/base/syscalls.h"
#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
namespace sys = base::sys;

int StepRunner::become_namespace_root(const Step& step) {
  int result = sys::setresgid(0);
  // Without setgroups (a user namespace with a single id) the groups of the caller cannot be
  // dropped.
  if (result >= 0 && step.number1 == 1) result = sys::setgroups(0, nullptr);
  if (result >= 0) result = sys::setresuid(0);
  return result;
}

int StepRunner::set_user(const Step& step, const char* packed_groups) {
  const auto uid = static_cast<uid_t>(step.number1 >> 32);
  const auto gid = static_cast<gid_t>(step.number1);
  int result = 0;
  if (step.fd == -1) {
    result = sys::setgroups(step.number2, reinterpret_cast<const gid_t*>(packed_groups));
  }
  if (result >= 0) result = sys::setresgid(gid);
  if (result >= 0) result = sys::setresuid(uid);
  return result;
}

int StepRunner::bound_capabilities(std::uint64_t keep) {
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if ((keep >> capability & 1) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
      if (errno == EINVAL) break;  // past the last capability of this kernel
      return -errno;
    }
  }
  if (keep != 0) return 0;
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  return ::prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) < 0 ? -errno : 0;
}

int StepRunner::drop_capabilities(std::uint64_t keep) {
  if (keep == 0 && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -errno;
  struct __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  struct __user_cap_data_struct data[2]{};
  for (int half = 0; half < 2; ++half) {
    const auto bits = static_cast<std::uint32_t>(keep >> (32 * half));
    data[half].effective = bits;
    data[half].permitted = bits;
  }
  return static_cast<int>(sys::call(SYS_capset, &header, &data[0]));
}

int StepRunner::new_session() {
  if (::setsid() < 0) return -errno;
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; ++signal) (void)::sigaction(signal, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) < 0 ? -errno : 0;
}

int StepRunner::stdio() const {
  for (int target = 0; target < 3; ++target) {
    if (::dup2(context_.stdio[target], target) < 0) return -errno;
  }
  return 0;
}

int StepRunner::set_rlimit(const Step& step) {
  const struct rlimit limit{step.number2, step.number2};
  return static_cast<int>(sys::call(SYS_prlimit64, 0, step.number1, &limit, nullptr));
}

int StepRunner::seccomp(const Step& step, const char* filter) const {
  // As struct sock_fprog, whose pointer is not const although the kernel only reads.
  struct Program {
    unsigned short length;
    const char* filter;
  };
  static_assert(sizeof(Program) == sizeof(struct sock_fprog));
  const Program program{static_cast<unsigned short>(step.number1), filter};
  if (step.number2 == 0) return sys::seccomp(SECCOMP_SET_MODE_FILTER, 0, &program);
  const int listener =
      sys::seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) return listener;
  const int result = report_listener(listener);
  ::close(listener);
  return result;
}

// Under the new filter already: it has to allow sendmsg(2), which who compiles it sees to.
int StepRunner::report_listener(int listener) const {
  ChildReport report{ChildReport::Kind::kListener, 0, 0};
  struct iovec part{&report, sizeof(report)};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
  struct msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &listener, sizeof(listener));
  return ::sendmsg(context_.report_fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int StepRunner::enter_workdir(const char* path) {
  const int dir = sys::openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_MAGICLINKS);
  if (dir < 0) return dir;
  const int result = ::fchdir(dir) < 0 ? -errno : 0;
  ::close(dir);
  return result;
}

}  // namespace stagebox::sandbox::child
