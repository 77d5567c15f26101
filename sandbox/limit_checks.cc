#include "sandbox/limit_checks.h"

#include <sys/resource.h>
#include <sys/sysinfo.h>

#include <functional>
#include <string>
#include <utility>

#include "sandbox/cgroup/limit_defaults.h"

namespace stagebox::sandbox {
namespace {

using State = Check::State;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr char kRemedy[] =
    "run as root, or with delegated cgroups: systemd-run --user --scope -p Delegate=yes stagebox "
    "... (for cpu, cpuset and io a drop-in for user@.service with Delegate=cpu cpuset io memory "
    "pids)";

constexpr char kNoController[] = "this user can make no cgroup with the controller for it";
constexpr char kNoControllerHere[] =
    "no cgroup with the controller for it can be made here: it is not mounted or not enabled, or "
    "the "
    "cgroups are read-only";
constexpr char kMountRemedy[] =
    "mount the controller (mount -t cgroup -o NAME none /sys/fs/cgroup/NAME), or boot with cgroup "
    "v2 "
    "(systemd.unified_cgroup_hierarchy=1); in a container, have its cgroups mounted writable";
constexpr char kOtherKernelRemedy[] = "boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1)";

Check no_controller(std::string name, HostIds::Kind ids) {
  if (ids == HostIds::Kind::kRoot)
    return {std::move(name), State::kRefused, kNoControllerHere, kMountRemedy};
  return {std::move(name), State::kRefused, kNoController, kRemedy};
}

struct Probe {
  const char* name;
  Controller controller;
  std::function<void(Limits&)> ask;
};

const std::vector<Probe>& probes() {
  static const std::vector<Probe> kProbes{
      {"cpus", Controller::kCpu, [](Limits& limits) { limits.cpus = 1; }},
      {"cpu_weight", Controller::kCpu, [](Limits& limits) { limits.cpu_weight = 50; }},
      {"cpuset", Controller::kCpuset, [](Limits& limits) { limits.cpuset = "0"; }},
      {"cpu_time", Controller::kCpuAccounting,
       [](Limits& limits) { limits.cpu_time = std::chrono::seconds(1); }},
      {"memory", Controller::kMemory, [](Limits& limits) { limits.memory = 64 * kMiB; }},
      {"pids", Controller::kPids, [](Limits& limits) { limits.pids = 64; }},
      {"io_read", Controller::kIo, [](Limits& limits) { limits.io_read = kMiB; }},
      {"io_write", Controller::kIo, [](Limits& limits) { limits.io_write = kMiB; }}};
  return kProbes;
}

Check check_one(const Probe& probe, CgroupTree& cgroups, int scratch_dir, HostIds::Kind ids) {
  const std::string name = std::string("limit: ") + probe.name;
  Limits limits;
  probe.ask(limits);
  const CgroupPlace* place = cgroups.place_of(probe.controller);
  if (place == nullptr) return no_controller(name, ids);
  auto made = cgroups.make(kProbeName, limits, scratch_dir);
  if (!made.ok()) return {name, State::kRefused, made.error().message, kOtherKernelRemedy};
  const auto removed = made->destroy();
  if (!removed.ok()) return {name, State::kDegraded, removed.error().message, kOtherKernelRemedy};
  const char* version =
      place->version == CgroupPlace::Version::kV2 ? "cgroup v2 in " : "cgroup v1 in ";
  return {name, State::kEnforced, version + place->dir, ""};
}

bool has_swap() {
  struct sysinfo machine{};
  return ::sysinfo(&machine) != 0 || machine.totalswap != 0;
}

// A limit of memory closes swap where the kernel has a file for that; see cgroup_settings.
Check check_swap(CgroupTree& cgroups, int scratch_dir, HostIds::Kind ids) {
  constexpr char kName[] = "swap";
  Limits limits;
  limits.memory = 64 * kMiB;
  limits.controllers.swap = 0;  // As it is without; but so that the file must be there.
  const auto made = cgroups.make(kProbeName, limits, scratch_dir);
  if (made.ok())
    return {kName, State::kEnforced, "closed for each sandbox with a limit of memory", ""};
  if (!has_swap()) return {kName, State::kEnforced, "this machine has none", ""};
  if (!cgroups.has(Controller::kMemory)) return no_controller(kName, ids);
  return {kName, State::kDegraded,
          "a sandbox at its limit of memory can go on in swap: " + made.error().message,
          "swapoff -a, or boot with swapaccount=1"};
}

Check check_open_files() {
  std::vector<Rlimit> rlimits;
  Limits limits;
  limits.open_files = kDefaultOpenFiles;
  const auto added = add_open_files(limits, rlimits);
  if (added.ok())
    return {"limit: open_files", State::kEnforced, "RLIMIT_NOFILE of each process", ""};
  return {"limit: open_files", State::kDegraded, added.error().message,
          "ulimit -Hn 16384, or LimitNOFILE= of the service"};
}

}  // namespace

std::vector<Check> check_limits(CgroupTree& cgroups, int scratch_dir, HostIds::Kind ids) {
  std::vector<Check> checks;
  for (const Probe& probe : probes()) checks.push_back(check_one(probe, cgroups, scratch_dir, ids));
  checks.push_back(check_swap(cgroups, scratch_dir, ids));
  checks.push_back(check_open_files());
  checks.push_back({"limit: shm_size", State::kEnforced, "the size of the tmpfs at /dev/shm", ""});
  checks.push_back({"limit: log", State::kEnforced,
                    "counted by the supervisor, which kills what writes more", ""});
  checks.push_back({"limit: outputs", State::kEnforced,
                    "counted while they are taken; a stage that makes more fails", ""});
  checks.push_back(
      {"limit: timeout", State::kEnforced, "SIGTERM, then SIGKILL to the pid namespace", ""});
  return checks;
}

}  // namespace stagebox::sandbox
