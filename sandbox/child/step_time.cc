// The step that gives the stage clocks of its own.
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "runtime/base/syscalls.h"
#include "sandbox/child/step_runner.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace stagebox::sandbox::child {
namespace sys = base::sys;

namespace {

// Appends "NAME -SECONDS 0\n" and returns the new end.
char* append_offset(char* at, const char* name, std::uint64_t seconds) {
  const std::size_t length = std::strlen(name);
  std::memcpy(at, name, length);
  at += length;
  char digits[24];
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + seconds % 10);
    seconds /= 10;
  } while (seconds != 0);
  std::memcpy(at, " -", 2);
  at += 2;
  while (count > 0) *at++ = digits[--count];
  std::memcpy(at, " 0\n", 3);
  return at + 3;
}

std::uint64_t seconds_of(clockid_t clock) {
  struct timespec now{};
  return ::clock_gettime(clock, &now) == 0 ? static_cast<std::uint64_t>(now.tv_sec) : 0;
}

int write_offsets(const char* text, std::size_t length) {
  // The host's /proc, which is still there; in it "self" is us.
  const int file = sys::openat2(AT_FDCWD, "/proc/self/timens_offsets", O_WRONLY, 0, 0);
  if (file < 0) return file;
  const int result = ::write(file, text, length) < 0 ? -errno : 0;
  ::close(file);
  return result;
}

}  // namespace

// Clocks that count from the machine's boot tell one tenant about another, and two runs apart. The
// process forked next is the first one in the new namespace (time_namespaces(7)).
int StepRunner::new_time_namespace() {
  if (::unshare(CLONE_NEWTIME) < 0) return -errno;
  char text[128];
  char* end = append_offset(text, "monotonic", seconds_of(CLOCK_MONOTONIC));
  end = append_offset(end, "boottime", seconds_of(CLOCK_BOOTTIME));
  // The files in /proc of an undumpable process belong to the host's root. Nobody else is in this
  // sandbox yet.
  (void)::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  const int result = write_offsets(text, static_cast<std::size_t>(end - text));
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return result;
}

}  // namespace stagebox::sandbox::child
