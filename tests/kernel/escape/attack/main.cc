#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tests/kernel/escape/attack/attack.h"

namespace attack {
namespace {

struct Named {
  const char* name;
  Attack run;
};

constexpr Named kAttacks[] = {{"system-calls", system_calls},
                              {"foreign-abi", foreign_abi},
                              {"terminal", terminal},
                              {"sockets", sockets},
                              {"bound-sockets", bound_sockets},
                              {"to-everybody", to_everybody},
                              {"abstract-sockets", abstract_sockets},
                              {"slow-clients", slow_clients},
                              {"gain-privileges", gain_privileges},
                              {"effective-user", effective_user},
                              {"signal-init", signal_init},
                              {"other-processes", other_processes},
                              {"thread-bomb", thread_bomb},
                              {"daemons", daemons},
                              {"sleeper", sleeper},
                              {"crash", crash},
                              {"runtime-binary", runtime_binary},
                              {"exchange", exchange_forever},
                              {"descriptors", escape_by_descriptor},
                              {"write", write_files},
                              {"lease", lease_files},
                              {"take", take_shares},
                              {"message-queue", message_queue},
                              {"with-received", with_received}};

}  // namespace

void tell(const char* name, long result) {
  if (result >= 0) {
    std::printf("%s: ALLOWED\n", name);
  } else {
    std::printf("%s: refused %s\n", name, strerrorname_np(errno));
  }
  (void)std::fflush(stdout);
}

}  // namespace attack

int main(int argc, char** argv) {
  for (const auto& known : attack::kAttacks) {
    if (argc > 1 && std::strcmp(argv[1], known.name) == 0) return known.run(argc - 2, argv + 2);
  }
  (void)std::fprintf(stderr, "no such attack\n");
  return 2;
}
