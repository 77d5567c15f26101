// Typing into the terminal of whoever started the sandbox. Standard input is that terminal.
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "tests/kernel/escape/attack/attack.h"

namespace attack {
namespace {

void try_ioctl(const char* name, unsigned long command) {
  char letter = 'X';
  const long result = ::syscall(SYS_ioctl, STDIN_FILENO, command, &letter);
  // Any answer but the filter's means that the kernel's terminal code was reached.
  tell(name, result < 0 && errno == EPERM ? -1 : 0);
}

}  // namespace

int terminal(int /*count*/, char** /*arguments*/) {
  constexpr unsigned long kHigh = 1UL << 32;
  constexpr unsigned long kTopBit = 1UL << 63;
  std::printf("is a terminal: %d\n", ::isatty(STDIN_FILENO));
  try_ioctl("TIOCSTI", TIOCSTI);
  try_ioctl("TIOCSTI with a high bit", TIOCSTI | kHigh);
  try_ioctl("TIOCSTI with the top bit", TIOCSTI | kTopBit);
  try_ioctl("TIOCSTI with all high bits", TIOCSTI | ~0UL << 32);
  try_ioctl("TIOCLINUX", TIOCLINUX);
  try_ioctl("TIOCLINUX with a high bit", TIOCLINUX | kHigh);
  try_ioctl("TIOCSETD", TIOCSETD);
  tell("open /dev/tty", ::access("/dev/tty", F_OK) == 0 ? ::isatty(::dup(STDIN_FILENO)) - 2 : -1);
  return 0;
}

}  // namespace attack
