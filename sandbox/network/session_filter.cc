#include "sandbox/network/session_filter.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <initializer_list>

namespace stagebox::sandbox::network {
namespace {

using Operation = SeccompCondition::Operation;

SeccompRule allow_when(const char* name, SeccompCondition condition) {
  return {{name}, SeccompAction::kAllow, 0, {condition}};
}

SeccompCondition int_is(unsigned argument, int value) {
  constexpr std::uint64_t kInt = 0xffffffff;
  return {argument, Operation::kMaskedEqual, kInt, static_cast<std::uint64_t>(value)};
}

SeccompCondition bits_are(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, Operation::kMaskedEqual, mask, value};
}

std::vector<std::string> plain_calls() {
  return {
#if defined(__SANITIZE_ADDRESS__)
      // UBSan finds out with a pipe whether memory can be read.
      "pipe", "pipe2",
#endif
      // Connections; the resolver's among them.
      "connect", "bind", "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown",
      "accept4", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "poll",
      "ppoll", "read", "write", "writev", "close", "fcntl", "eventfd2",
      // What the resolver looks up, and the libraries that it loads.
      "fstat", "newfstatat", "stat", "lstat", "statx", "access", "faccessat", "faccessat2", "lseek",
      "pread64", "readlink", "readlinkat", "getdents64", "uname", "getuid", "geteuid", "getgid",
      "getegid", "sysinfo",
      // Memory and threads.
      "mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "futex", "set_robust_list", "rseq",
      "sched_yield", "sched_getaffinity", "rt_sigprocmask", "rt_sigreturn", "rt_sigaction",
      "sigaltstack", "gettid", "getpid", "getrandom", "clock_gettime", "gettimeofday", "time",
      "clock_nanosleep", "nanosleep", "restart_syscall", "exit", "exit_group"};
}

}  // namespace

SeccompRules session_rules() {
  SeccompRules rules;
  rules.rules.push_back({plain_calls(), SeccompAction::kAllow, 0, {}});
  // Files for reading only.
  constexpr std::uint64_t kChanging =
      O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
  rules.rules.push_back(allow_when("openat", bits_are(2, kChanging, O_RDONLY)));
  rules.rules.push_back(allow_when("open", bits_are(1, kChanging, O_RDONLY)));
  // AF_UNIX and AF_NETLINK: name services of the machine, and which addresses it has.
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})
    rules.rules.push_back(allow_when("socket", int_is(0, family)));
  constexpr int kBytesToRead = 0x541b;  // FIONREAD
  rules.rules.push_back(allow_when("ioctl", int_is(1, kBytesToRead)));
  // Threads, but no processes: then libc may not use clone3, whose flags a filter cannot see.
  rules.rules.push_back(allow_when("clone", bits_are(0, CLONE_THREAD, CLONE_THREAD)));
  rules.rules.push_back({{"clone3"}, SeccompAction::kError, ENOSYS, {}});
  return rules;
}

}  // namespace stagebox::sandbox::network
