// The other ways into the kernel of an x86-64 machine, where every call has another number: the
// filter must kill whoever takes one.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <initializer_list>

#include "tests/kernel/escape/attack/attack.h"

namespace attack {
namespace {

// Runs `enter` in a process of its own; what becomes of that says how it went.
void attempt(const char* name, long (*enter)(long), long number) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const long result = enter(number);
    ::_exit(result == -ENOSYS ? 2 : 1);
  }
  int status = 0;
  (void)::waitpid(pid, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
    std::printf("%s: killed SIGSYS\n", name);
  } else {
    std::printf("%s: ALLOWED (status %d)\n", name, status);
  }
  (void)std::fflush(stdout);
}

#if defined(__x86_64__)
// Through int 0x80, which takes the numbers of i386 and is open to 64-bit code.
long enter_i386(long number) {
  long result = 0;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(0), "c"(0), "d"(0) : "memory");
  return static_cast<int>(result);
}

long enter_x32(long number) {
  constexpr long kX32 = 0x40000000;
  const long result = ::syscall(number | kX32, 0, 0, 0);
  return result < 0 ? -errno : result;
}
#endif

}  // namespace

int foreign_abi(int /*count*/, char** /*arguments*/) {
#if defined(__x86_64__)
  constexpr long kI386Getpid = 20;
  constexpr long kI386Mount = 21;
  constexpr long kI386Unshare = 310;
  constexpr long kI386Keyctl = 288;
  constexpr long kI386Socketcall = 102;
  for (const long number : {kI386Getpid, kI386Mount, kI386Unshare, kI386Keyctl, kI386Socketcall})
    attempt("i386", enter_i386, number);
  constexpr long kGetpid = 39;
  constexpr long kPtraceX32 = 521;
  constexpr long kIoctlX32 = 514;
  for (const long number : {kGetpid, kPtraceX32, kIoctlX32}) attempt("x32", enter_x32, number);
#endif
  return 0;
}

}  // namespace attack
