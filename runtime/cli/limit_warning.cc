#include "runtime/cli/limit_warning.h"

#include "sandbox/limit_defaults.h"

namespace stagebox::cli {

std::string warning_of_missing_limits(const sandbox::Limits& asked,
                                      const sandbox::CgroupTree& cgroups,
                                      const std::string& whose) {
  std::string names;
  for (const std::string& name : sandbox::with_defaults(asked, cgroups).unenforced)
    names += (names.empty() ? "" : " and ") + name;
  if (names.empty()) return "";
  return "stagebox: warning: this user cannot make the cgroups for it, so " + names + " of " +
         whose + " are not limited; `stagebox doctor` says how to change that\n";
}

}  // namespace stagebox::cli
