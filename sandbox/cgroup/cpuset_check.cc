#include "sandbox/cgroup/cpuset_check.h"

#include "sandbox/cgroup/cgroup_files.h"

namespace stagebox::sandbox {
namespace {

using base::Result;

std::string first_line(const std::string& path) {
  const std::string content = read_or_empty(path);
  return content.substr(0, content.find('\n'));
}

// Both are as the kernel writes lists, whatever way we wrote it.
Result<void> check_one(const std::string& dir, const std::string& file, const std::string& asked) {
  const std::string path = dir + "/" + file;
  const std::string given = first_line(path + ".effective");
  if (given == first_line(path)) return {};
  return base::unsupported("a limit cannot be enforced: of " + asked + " for " + path +
                           " the cgroups above allow \"" + given +
                           "\" (`stagebox doctor` shows what is there)");
}

}  // namespace

Result<void> check_cpuset(const std::string& dir, const Limits& limits) {
  if (limits.cpuset) TRY(check_one(dir, "cpuset.cpus", *limits.cpuset));
  if (limits.cpuset_mems) TRY(check_one(dir, "cpuset.mems", *limits.cpuset_mems));
  return {};
}

}  // namespace stagebox::sandbox
