#include "sandbox/cgroup/machine_share.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "sandbox/cgroup/cgroup_discovery.h"
#include "sandbox/cgroup/cgroup_files.h"

namespace stagebox::sandbox {
namespace {

std::optional<std::set<unsigned>> allowed_processors() {
  cpu_set_t set;
  // EINVAL where the kernel counts more processors than fit (sched_setaffinity(2)).
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return std::nullopt;
  std::set<unsigned> processors;
  for (unsigned number = 0; number < CPU_SETSIZE; ++number) {
    if (CPU_ISSET(number, &set)) processors.insert(number);
  }
  return processors;
}

std::uint64_t allowed_open_files() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY)
    return std::numeric_limits<std::uint64_t>::max();
  return limit.rlim_max;
}

std::uint64_t machine_memory() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// "QUOTA PERIOD" or "max PERIOD" in v2, two files in v1, where -1 is no quota.
void narrow_cpus(MachineShare& share, const std::string& dir) {
  std::string quota = read_or_empty(dir + "/cpu.max");
  if (quota.empty()) {
    quota =
        read_or_empty(dir + "/cpu.cfs_quota_us") + " " + read_or_empty(dir + "/cpu.cfs_period_us");
  }
  char* end = nullptr;
  const double allowed = std::strtod(quota.c_str(), &end);
  const double period = std::strtod(end, nullptr);
  if (allowed > 0 && period > 0) share.cpus = std::min(share.cpus, allowed / period);
}

void narrow_memory(MachineShare& share, const std::string& dir) {
  for (const char* file : {"/memory.max", "/memory.limit_in_bytes"}) {
    const std::uint64_t limit = parse_number(read_or_empty(dir + file));
    if (limit > 0) share.memory = std::min(share.memory, limit);
  }
}

}  // namespace

MachineShare narrowed_by(MachineShare share, std::string dir) {
  // The directory of every cgroup has this file, the one that the hierarchy is mounted in has not.
  while (::access((dir + "/cgroup.procs").c_str(), F_OK) == 0) {
    narrow_cpus(share, dir);
    narrow_memory(share, dir);
    dir.resize(dir.rfind('/'));
  }
  return share;
}

MachineShare machine_share() {
  MachineShare share;
  share.processors = allowed_processors();
  share.cpus = share.processors ? static_cast<double>(share.processors->size())
                                : std::max(1U, std::thread::hardware_concurrency());
  share.memory = machine_memory();
  share.open_files = allowed_open_files();
  for (const CgroupPlace& place : find_cgroup_places(read_or_empty("/proc/self/mountinfo"),
                                                     read_or_empty("/proc/self/cgroup")))
    share = narrowed_by(share, place.dir);
  return share;
}

}  // namespace stagebox::sandbox
