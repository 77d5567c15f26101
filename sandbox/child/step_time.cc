// The step that gives the stage clocks of its own.
#include <sched.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
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

}  // namespace

// Clocks that count from the machine's boot tell one tenant about another, and two runs apart. The
// process forked next is the first one in the new namespace (time_namespaces(7)).
int StepRunner::new_time_namespace(const char* offsets) {
  if (::unshare(CLONE_NEWTIME) < 0) return -errno;
  char from_now[128];
  if (offsets[0] == '\0') {
    char* end = append_offset(from_now, "monotonic", seconds_of(CLOCK_MONOTONIC));
    end = append_offset(end, "boottime", seconds_of(CLOCK_BOOTTIME));
    *end = '\0';
    offsets = from_now;
  }
  return write_own_proc("/proc/self/timens_offsets", offsets);
}

}  // namespace stagebox::sandbox::child
