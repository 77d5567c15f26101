// The filter of a proxy session, loaded for real: what a connection needs works, what an attacker
// would want does not.
#include "sandbox/network/session_filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "runtime/base/syscalls.h"
#include "sandbox/seccomp/seccomp_policy.h"

namespace stagebox::sandbox::network {
namespace {

// Runs `body` under the filter in a process of its own; its return value is the exit status.
int under_filter(int (*body)()) {
  const auto program = compile_seccomp(session_rules(), DeniedCalls::kAnswered).value();
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::vector<sock_filter> filter = program->instructions;
    const struct sock_fprog loaded{static_cast<unsigned short>(filter.size()), filter.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        base::sys::seccomp(SECCOMP_SET_MODE_FILTER, 0, &loaded) < 0)
      ::_exit(100);
    ::_exit(body());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(SessionFilter, LeavesWhatAConnectionNeeds) {
  EXPECT_EQ(under_filter([] {
              struct addrinfo* found = nullptr;
              if (::getaddrinfo("localhost", "80", nullptr, &found) != 0) return 1;
              ::freeaddrinfo(found);
              const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
              if (socket < 0) return 2;
              bool ran = false;
              std::thread([&] { ran = true; }).join();
              return ran ? 0 : 3;
            }),
            0);
}

// Each returns the number of the first attempt that was not refused.
TEST(SessionFilter, RefusesWhatAnAttackerWants) {
  EXPECT_EQ(under_filter([] {
              int number = 0;
              const auto refused = [&](long result) {
                ++number;
                return result < 0 && (errno == EPERM || errno == ENOSYS);
              };
              char* const none[] = {nullptr};
              if (!refused(::execve("/bin/true", none, none))) return number;
              if (!refused(::fork())) return number;
              if (!refused(::open("/tmp", O_WRONLY | O_TMPFILE, 0600))) return number;
              if (!refused(::open("/dev/null", O_WRONLY))) return number;
              if (!refused(::open("/dev/null", O_RDWR))) return number;
              if (!refused(::socket(AF_PACKET, SOCK_RAW, 0))) return number;
              if (!refused(::socket(38, SOCK_SEQPACKET, 0))) return number;  // AF_ALG
              if (!refused(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr))) return number;
              if (!refused(::kill(::getppid(), 0))) return number;
              if (!refused(::unlink("/no/such/file"))) return number;
              if (!refused(::mkdir("/tmp/x", 0700))) return number;
              if (!refused(::chmod("/tmp", 0777))) return number;
              if (!refused(::memfd_create("x", 0))) return number;
              if (!refused(::syscall(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0)))
                return number;
              if (!refused(::syscall(SYS_bpf, 0, nullptr, 0))) return number;
              if (!refused(::syscall(SYS_io_uring_setup, 1, nullptr))) return number;
              if (!refused(::syscall(SYS_unshare, 0))) return number;
              return 0;
            }),
            0);
}

}  // namespace
}  // namespace stagebox::sandbox::network
