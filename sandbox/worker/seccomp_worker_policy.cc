// confine_syscalls: the system calls that are left to a worker: memory, threads of its own, files
// relative to the directories it has, and its socket, without the passing of descriptors.
#include <linux/sched.h>
#include <seccomp.h>

#include <array>
#include <cerrno>
#include <string>

#include "sandbox/seccomp/seccomp_context.h"
#include "sandbox/worker/worker_protocol.h"

namespace stagebox::sandbox {
namespace {

constexpr std::array kAllowed = {
#if defined(__SANITIZE_ADDRESS__)
    // UBSan finds out with a pipe whether memory can be read.
    "pipe", "pipe2",
#endif
    // Files. open, stat and the like without "at" are left out: they would be for paths.
    "openat", "openat2", "close", "read", "pread64", "write", "pwrite64", "writev", "lseek",
    "ftruncate", "fstat", "newfstatat", "statx", "getdents64", "readlinkat", "mkdirat", "mknodat",
    "symlinkat", "linkat", "unlinkat", "fchown", "fchownat", "fchmod", "utimensat", "fsetxattr",
    "fgetxattr", "flistxattr", "copy_file_range", "sendfile", "fcntl", "dup",
    // Memory and threads.
    "mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "futex", "set_robust_list", "rseq",
    "sched_yield", "sched_getaffinity", "rt_sigprocmask", "rt_sigreturn", "rt_sigaction",
    "sigaltstack", "gettid", "getpid", "getrandom", "clock_gettime", "restart_syscall", "exit",
    "exit_group"};

base::Error not_confined(const std::string& what, int result) {
  return base::system_error("compile the worker's system call filter: " + what, -result);
}

}  // namespace

base::Result<void> confine_syscalls() {
  const SeccompContext context(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!context) return base::unsupported("libseccomp cannot make a filter for this architecture");
  (void)::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  (void)::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const char* name : kAllowed) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;  // not of this architecture
    const int result = ::seccomp_rule_add(context.get(), SCMP_ACT_ALLOW, number, 0);
    if (result != 0) return not_confined(name, result);
  }
  // Threads, but no processes: then libc may not use clone3, whose flags a filter cannot see.
  const int clone = ::seccomp_rule_add(context.get(), SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                       SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  if (clone != 0) return not_confined("clone", clone);
  const int clone3 = ::seccomp_rule_add(context.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (clone3 != 0) return not_confined("clone3", clone3);
  const int loaded = ::seccomp_load(context.get());
  if (loaded != 0) return not_confined("load", loaded);
  return {};
}

}  // namespace stagebox::sandbox
