#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/files.h"
#include "sandbox/cgroup_files.h"
#include "sandbox/cgroup_removal.h"
#include "sandbox/cgroup_settings.h"
#include "sandbox/cpuset_check.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;
using Version = CgroupPlace::Version;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<void> set_limits(const CgroupPlace& place, const std::string& dir, const Limits& limits,
                        const std::string& device) {
  for (const Controller controller : place.controllers) {
    for (const CgroupSetting& setting :
         cgroup_settings(place.version, controller, limits, device)) {
      if (setting.need == CgroupSetting::Need::kWhereThere && !exists(dir + "/" + setting.file))
        continue;
      auto written = write_value(dir, setting.file, setting.value);
      if (!written.ok()) {
        base::Error error =
            base::unsupported("a limit cannot be enforced: " + written.error().message +
                              " (the value may be outside of what the machine has or of what was "
                              "delegated; `stagebox "
                              "doctor` shows what is there)");
        error.errno_value = written.error().errno_value;
        return error;
      }
    }
  }
  return {};
}

}  // namespace

Cgroup::~Cgroup() { (void)destroy(); }

Result<void> Cgroup::add(const CgroupPlace& place, const std::string& parent,
                         const std::string& name, const Limits& limits, const std::string& device) {
  const std::string dir = parent + "/" + name;
  if (::mkdir(dir.c_str(), 0755) != 0) return base::errno_error("create the cgroup " + dir);
  dirs_.emplace_back(place, dir);
  if (place.version == Version::kV2) {
    v2_dir_ = TRY(base::open_path(dir, O_RDONLY | O_DIRECTORY));
    TRY(set_limits(place, dir, limits, device));
    return place.has(Controller::kCpuset) ? check_cpuset(dir, limits) : Result<void>();
  }
  // v1 gives a new cpuset no processors and no memory nodes; without both no task can join.
  if (place.has(Controller::kCpuset)) {
    for (const std::string file : {"/cpuset.cpus", "/cpuset.mems"})
      TRY(write_value(dir, file.substr(1), read_or_empty(parent + file)));
  }
  TRY(set_limits(place, dir, limits, device));
  if (place.has(Controller::kMemory) && limits.memory)
    oom_events_ = TRY(OomEvents::watch(dir, parent));
  v1_tasks_.push_back(TRY(base::open_path(dir + "/tasks", O_WRONLY)));
  return {};
}

CgroupUsage Cgroup::usage() {
  CgroupUsage usage;
  for (const auto& [place, dir] : dirs_) add_usage(place, dir, usage);
  if (oom_events_) usage.memory_refused = oom_events_->own_limit();
  return usage;
}

std::chrono::microseconds Cgroup::cpu_time() const {
  for (const auto& [place, dir] : dirs_) {
    if (place.version == Version::kV2 || place.has(Controller::kCpuAccounting))
      return cpu_time_used(place, dir);
  }
  return {};
}

Result<void> Cgroup::destroy() {
  v1_tasks_.clear();
  v2_dir_.reset();
  oom_events_.reset();
  Result<void> result;
  for (const auto& [place, dir] : std::exchange(dirs_, {})) {
    auto removed = remove_cgroup(dir);
    if (!removed.ok()) result = std::move(removed);
  }
  return result;
}

}  // namespace stagebox::sandbox
