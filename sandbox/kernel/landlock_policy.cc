#include "sandbox/kernel/landlock_policy.h"

namespace stagebox::sandbox {
namespace {

// Numbers of landlock(7); headers older than the kernel lack the later ones.
constexpr std::uint64_t kRightsOfAbi2 = (std::uint64_t{1} << 14) - 1;  // up to REFER
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;            // ABI 3, Linux 6.2
constexpr std::uint64_t kIoctlDevice = std::uint64_t{1} << 15;         // ABI 5, Linux 6.10
constexpr std::uint64_t kScopeAbstractSockets = 1;                     // ABI 6, Linux 6.12
constexpr std::uint64_t kScopeSignals = 2;                             // the same

}  // namespace

LandlockPolicy landlock_policy(int abi) {
  LandlockPolicy policy;
  if (abi < 2) return policy;
  policy.files = kRightsOfAbi2;
  if (abi >= 3) policy.files |= kTruncate;
  if (abi >= 5) policy.files |= kIoctlDevice;
  if (abi >= 6) policy.scoped = kScopeAbstractSockets | kScopeSignals;
  return policy;
}

LandlockPolicy joined_landlock_policy(int abi) {
  LandlockPolicy policy = landlock_policy(abi);
  policy.scoped &= ~kScopeSignals;
  return policy;
}

std::string describe_landlock(int abi) {
  if (abi <= 0) return "not in this kernel (Linux 5.13 with CONFIG_SECURITY_LANDLOCK)";
  const std::string version = "ABI " + std::to_string(abi);
  if (abi < 2) return version + ", which cannot allow renames between directories (Linux 5.19 can)";
  const std::string files = version + ": nothing outside of the root file system can be opened";
  return abi < 6 ? files : files + "; no signal or abstract socket leaves the sandbox";
}

}  // namespace stagebox::sandbox
