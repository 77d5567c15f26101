#include "sandbox/landlock_checks.h"

#include "sandbox/kernel/landlock_policy.h"

namespace stagebox::sandbox {
namespace {

using State = Check::State;

constexpr char kLandlockRemedy[] = "Linux 6.12 with CONFIG_SECURITY_LANDLOCK";

bool is_scoped(int abi) { return landlock_policy(abi).walls_off_abstract_sockets(); }

}  // namespace

Check check_landlock(int abi) {
  const std::string what = describe_landlock(abi);
  if (is_scoped(abi)) return {"landlock", State::kEnforced, what, ""};
  return {"landlock", State::kDegraded,
          what + "; in a network that is the machine's its abstract sockets are not walled off",
          kLandlockRemedy};
}

Check check_host_network(int abi) {
  if (is_scoped(abi))
    return {"network: host", State::kEnforced,
            "the machine's own network, where a policy permits it; its abstract sockets stay out "
            "of reach",
            ""};
  return {"network: host", State::kRefused,
          "nothing would keep a sandbox from the machine's abstract sockets", kLandlockRemedy};
}

}  // namespace stagebox::sandbox
