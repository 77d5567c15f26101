// LandlockPolicy: the second wall around the root file system. Whatever a stage's process gets hold
// of that does not lie beneath its own "/" (a descriptor that leaked, a magic link, a mount that
// should have been gone) it cannot open, execute or change.
#pragma once

#include <cstdint>
#include <string>

namespace stagebox::sandbox {

/// What a ruleset handles: everything handled is allowed beneath "/" and nowhere else.
struct LandlockPolicy {
  std::uint64_t files = 0;   ///< LANDLOCK_ACCESS_FS_*
  std::uint64_t scoped = 0;  ///< LANDLOCK_SCOPE_*

  [[nodiscard]] bool active() const { return files != 0; }
  [[nodiscard]] bool walls_off_abstract_sockets() const { return scoped != 0; }
};

/// As much as the ABI offers. Nothing below ABI 2 (Linux 5.19): ABI 1 forbids every rename and link
/// from one directory to another, which no build survives.
LandlockPolicy landlock_policy(int abi);

/// For a process that joins a running sandbox. Its ruleset is a sibling of that of the processes
/// there, so scoping its signals would keep it from ending any of them; the pid namespace is what
/// bounds them.
LandlockPolicy joined_landlock_policy(int abi);

/// Why the network of the host cannot be had where nothing walls abstract sockets off.
inline constexpr char kHostNetworkUnwalled[] =
    "in the network of the host a sandbox could connect to abstract sockets of the host's "
    "services; Linux 6.12 walls them off (Landlock ABI 6)";

/// For people: what is enforced with this ABI, or why nothing is.
std::string describe_landlock(int abi);

}  // namespace stagebox::sandbox
