#include "tests/kernel/missing_syscall.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <string>

#include "runtime/base/syscalls.h"

namespace stagebox::testing {

base::Result<void> hide_system_call() {
  static const std::map<std::string, std::uint32_t> kNumbers{
      {"openat2", SYS_openat2},
      {"close_range", SYS_close_range},
      {"open_tree", SYS_open_tree},
      {"move_mount", SYS_move_mount},
      {"fsopen", SYS_fsopen},
      {"fsconfig", SYS_fsconfig},
      {"fsmount", SYS_fsmount},
      {"clone3", SYS_clone3},
      {"pidfd_open", SYS_pidfd_open},
      {"pidfd_send_signal", SYS_pidfd_send_signal},
      {"mount_setattr", SYS_mount_setattr},
      {"landlock_create_ruleset", SYS_landlock_create_ruleset}};
  const char* name = std::getenv("STAGEBOX_TEST_MISSING");
  if (name == nullptr) return {};
  const auto found = kNumbers.find(name);
  if (found == kNumbers.end()) return base::invalid(std::string("no such call: ") + name);
  sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, found->second, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const struct sock_fprog program{4, &filter[0]};
  const int result = base::sys::seccomp(SECCOMP_SET_MODE_FILTER, 0, &program);
  if (result < 0) return base::system_error("hide a system call", -result);
  return {};
}

}  // namespace stagebox::testing
