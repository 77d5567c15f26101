// Getting more rights than one was started with.
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>

#include "tests/kernel/escape/attack/attack.h"

namespace attack {

// What the kernel would do for root by itself, and what nobody needs a capability to ask for.
int gain_privileges(int /*count*/, char** /*arguments*/) {
  std::printf("securebits %x\n", static_cast<unsigned>(::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0)));
  tell("keep capabilities", ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  tell("unlock", ::prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
  constexpr unsigned long kChown = 0;
  tell("raise an ambient one", ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kChown, 0, 0));
  return 0;
}

int effective_user(int /*count*/, char** /*arguments*/) {
  std::printf("%u %u\n", ::getuid(), ::geteuid());
  return 0;
}

}  // namespace attack
