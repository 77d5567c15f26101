#include "sandbox/cgroup/limit_defaults.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace stagebox::sandbox {
namespace {

std::uint64_t default_memory() {
  const auto pages = static_cast<double>(::sysconf(_SC_PHYS_PAGES));
  return static_cast<std::uint64_t>(pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) *
                                    kDefaultMemoryShare);
}

}  // namespace

EffectiveLimits with_defaults(const Limits& asked, const CgroupTree& cgroups) {
  EffectiveLimits effective{asked, {}};
  Limits& limits = effective.limits;
  if (!limits.memory && cgroups.has(Controller::kMemory)) limits.memory = default_memory();
  if (!limits.memory) effective.unenforced.emplace_back("memory");
  if (!limits.pids && cgroups.has(Controller::kPids)) limits.pids = kDefaultPids;
  if (!limits.pids) effective.unenforced.emplace_back("pids");
  if (limits.inodes && !limits.disk) limits.disk = kDefaultDisk;
  if (limits.disk && !limits.inodes)
    limits.inodes = std::max<std::uint64_t>(*limits.disk / kBytesPerInode, 1024);
  return effective;
}

base::Result<std::uint64_t> add_open_files(const Limits& limits, std::vector<Rlimit>& rlimits) {
  const auto is_given = [](const Rlimit& rlimit) { return rlimit.resource == RLIMIT_NOFILE; };
  const auto given = std::ranges::find_if(rlimits, is_given);
  if (!limits.open_files && given != rlimits.end()) return given->soft;
  struct rlimit own{};
  if (::getrlimit(RLIMIT_NOFILE, &own) != 0)
    return base::errno_error("read the limit on open files");
  const std::uint64_t wanted =
      limits.open_files.value_or(std::min<std::uint64_t>(kDefaultOpenFiles, own.rlim_max));
  if (wanted > own.rlim_max) {
    return base::unsupported("open_files is " + std::to_string(wanted) +
                             ", and this process may only give " + std::to_string(own.rlim_max) +
                             "; raise it with `ulimit -Hn` or LimitNOFILE= of the service");
  }
  rlimits.push_back({RLIMIT_NOFILE, wanted, wanted});
  return wanted;
}

}  // namespace stagebox::sandbox
