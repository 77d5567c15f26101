// The steps that decide who the stage's process is and what it may do.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "runtime/base/syscalls.h"
#include "sandbox/child/send_descriptor.h"
#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
namespace sys = base::sys;

namespace {

// Nobody in the sandbox may look into what is a copy of ours until it executes something else; but
// a change of ids makes a process dumpable where the machine is set to it (fs.suid_dumpable).
int change_ids(uid_t uid, gid_t gid) {
  int result = sys::setresgid(gid);
  if (result >= 0) result = sys::setresuid(uid);
  if (result < 0) return result;
  return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

}  // namespace

int StepRunner::become_namespace_root(const Step& step) {
  // Without setgroups (a user namespace with a single id) the groups of the caller cannot be
  // dropped.
  const int result = step.number1 == 1 ? sys::setgroups(0, nullptr) : 0;
  return result < 0 ? result : change_ids(0, 0);
}

int StepRunner::set_user(const Step& step, const char* packed_groups) {
  const auto uid = static_cast<uid_t>(step.number1 >> 32);
  const auto gid = static_cast<gid_t>(step.number1);
  int result = 0;
  if (step.fd == -1) {
    result = sys::setgroups(step.number2, reinterpret_cast<const gid_t*>(packed_groups));
  }
  return result < 0 ? result : change_ids(uid, gid);
}

int StepRunner::bound_capabilities(const Step& step) {
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if ((step.number1 >> capability & 1) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
      if (errno == EINVAL) break;  // past the last capability of this kernel
      return -errno;
    }
  }
  // Changing from root to another user would drop what is to be kept; exec switches that off again.
  if (step.number2 == 0) return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ? -errno : 0;
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                  SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  return ::prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) < 0 ? -errno : 0;
}

int StepRunner::drop_capabilities(const char* packed) {
  const auto* sets = reinterpret_cast<const std::uint64_t*>(packed);
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -errno;
  struct __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  struct __user_cap_data_struct data[2]{};
  for (int half = 0; half < 2; ++half) {
    data[half].permitted = static_cast<std::uint32_t>(sets[0] >> (32 * half));
    data[half].effective = static_cast<std::uint32_t>(sets[1] >> (32 * half));
    data[half].inheritable = static_cast<std::uint32_t>(sets[2] >> (32 * half));
  }
  const long result = sys::call(SYS_capset, &header, &data[0]);
  if (result < 0) return static_cast<int>(result);
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if ((sets[3] >> capability & 1) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0) return -errno;
  }
  return 0;
}

int StepRunner::new_session() {
  if (::setsid() < 0) return -errno;
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  for (const int signal : kIgnoredSignals) (void)::sigaction(signal, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) < 0 ? -errno : 0;
}

int StepRunner::stdio(const Step& step) const {
  const bool terminal = step.number1 == 1;
  for (int target = 0; target < 3; ++target) {
    if (::dup2(terminal ? terminal_ : context_.stdio[target], target) < 0) return -errno;
  }
  // A session leader without one by now (kNewSession).
  return terminal && ::ioctl(0, TIOCSCTTY, 0) < 0 ? -errno : 0;
}

int StepRunner::set_rlimit(const Step& step, const char* packed) {
  const auto* values = reinterpret_cast<const std::uint64_t*>(packed);
  const struct rlimit limit{values[0], values[1]};
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
  // Under the new filter already: it has to allow sendmsg(2), which who compiles it sees to.
  const ChildReport report{ChildReport::Kind::kListener, 0, 0};
  const int result =
      send_bytes_with_descriptor(context_.report_fd, &report, sizeof(report), listener);
  ::close(listener);
  return result;
}

int StepRunner::await_start() const {
  const ChildReport report{ChildReport::Kind::kReady, 0, 0};
  if (::write(context_.report_fd, &report, sizeof(report)) < 0) return -errno;
  char go = 0;
  // End of file: who created the sandbox is gone or has thrown it away.
  if (::read(context_.report_fd, &go, 1) != 1) ::_exit(kSetupFailed);
  return 0;
}

int StepRunner::enter_workdir(const char* path) {
  const int dir = sys::openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_MAGICLINKS);
  if (dir < 0) return dir;
  const int result = ::fchdir(dir) < 0 ? -errno : 0;
  ::close(dir);
  return result;
}

}  // namespace stagebox::sandbox::child
