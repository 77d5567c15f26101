// Reads system call filters in JSON: `linux.seccomp` of the OCI runtime specification, and Docker's
// profiles, which add `includes` and `excludes`. Pure; what the rules depend on is passed in.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "sandbox/seccomp/seccomp_rules.h"

namespace stagebox::sandbox {

/// What Docker's conditions ask about. Profiles name a kernel by its version, so here, and nowhere
/// else, it is compared.
struct ProfileContext {
  std::set<std::string> capabilities;  ///< "CAP_SYS_ADMIN", ...: what the stage will have.
  std::string architecture;            ///< As Docker calls it: "amd64", "arm64".
  std::string scmp_architecture;       ///< As libseccomp does: "SCMP_ARCH_X86_64".
  unsigned kernel_major = 0;
  unsigned kernel_minor = 0;

  /// Of this machine, for a stage with the bit set `capabilities`.
  static ProfileContext of_machine(std::uint64_t capabilities);
};

/// kInvalid, naming the place, for what is not a profile, for a key that is not known or of another
/// type, for what asks for an agent (SCMP_ACT_NOTIFY, SCMP_ACT_TRACE, listenerPath) or for flags
/// other than TSYNC, and for one that does not cover this architecture. Read and of no effect are
/// comments and Docker's archMap.
base::Result<SeccompRules> parse_seccomp_profile(std::string_view text,
                                                 const ProfileContext& context);

}  // namespace stagebox::sandbox
