#include "runtime/cli/limit_warning.h"

#include "runtime/base/joined.h"
#include "sandbox/cgroup/limit_defaults.h"

namespace stagebox::cli {

std::string warning_of_missing_limits(const sandbox::Limits& asked,
                                      const sandbox::CgroupTree& cgroups,
                                      const std::string& whose) {
  const std::string names =
      base::joined(sandbox::with_defaults(asked, cgroups).unenforced, " and ");
  if (names.empty()) return "";
  return "stagebox: warning: this user cannot make the cgroups for it, so " + names + " of " +
         whose + " are not limited; `stagebox doctor` says how to change that\n";
}

std::string warning_of_lost_owners(const sandbox::HostIds& ids) {
  if (ids.kind() != sandbox::HostIds::Kind::kSingle) return "";
  return "stagebox: warning: this user has a single id, so every file of an image belongs to root "
         "in the sandbox whoever owns it in the image, and set-id bits lead to no other user or "
         "group; `stagebox doctor` says how to change that\n";
}

}  // namespace stagebox::cli
