#include "sandbox/cgroup/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include "runtime/base/files.h"
#include "sandbox/cgroup/cgroup_files.h"
#include "sandbox/cgroup/cgroup_removal.h"
#include "sandbox/cgroup/cgroup_settings.h"
#include "sandbox/cgroup/cpuset_check.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;
using Version = CgroupPlace::Version;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<void> write_setting(const std::string& dir, const CgroupSetting& setting) {
  const bool there = exists(dir + "/" + setting.file);
  if (!there && setting.need == CgroupSetting::Need::kWhereThere) return {};
  const bool instead = !there && setting.instead;
  auto written = instead ? write_value(dir, setting.instead->file, setting.instead->value)
                         : write_value(dir, setting.file, setting.value);
  if (written.ok()) return {};
  base::Error error =
      base::unsupported("a limit cannot be enforced: " + written.error().message +
                        " (the value may be outside of what the machine has or of what was "
                        "delegated; `stagebox "
                        "doctor` shows what is there)");
  error.errno_value = written.error().errno_value;
  return error;
}

Result<void> set_limits(const CgroupPlace& place, const std::string& dir, const Limits& limits,
                        const std::string& device) {
  for (const Controller controller : place.controllers) {
    for (const CgroupSetting& setting : cgroup_settings(place.version, controller, limits, device))
      TRY(write_setting(dir, setting));
  }
  if (place.version == Version::kV1) return {};
  for (const CgroupSetting& setting : unified_settings(limits)) TRY(write_setting(dir, setting));
  return {};
}

}  // namespace

Cgroup::~Cgroup() { (void)destroy(); }

Result<void> Cgroup::add(const CgroupPlace& place, const Where& where, const Limits& limits,
                         const std::string& device) {
  constexpr int kAttempts = 100;
  for (int attempt = 0;; ++attempt) {
    const std::string parent = TRY(make_parents(place, where));
    const std::string dir = parent + "/" + where.parts.back();
    if (::mkdir(dir.c_str(), 0755) == 0) {
      dirs_.emplace_back(place, dir);
      return open(place, parent, dir, limits, device);
    }
    // A sandbox that lets go of the same parents takes away one that is empty.
    if (errno != ENOENT || where.parts.size() == 1 || attempt == kAttempts)
      return base::errno_error("create the cgroup " + dir);
  }
}

Result<std::string> Cgroup::make_parents(const CgroupPlace& place, const Where& where) {
  std::string parent = where.top;
  for (std::size_t i = 0; i + 1 < where.parts.size(); ++i) {
    const std::string dir = parent + "/" + where.parts[i];
    if (::mkdir(dir.c_str(), 0755) == 0) {
      where.made->insert(dir);
      if (place.version == Version::kV1 && place.has(Controller::kCpuset))
        TRY(take_over_cpuset(dir, parent));
    } else if (errno != EEXIST) {
      return base::errno_error("create the cgroup " + dir);
    }
    if (where.made->contains(dir)) parents_.push_back(dir);
    if (place.version == Version::kV2)
      TRY(write_value(dir, "cgroup.subtree_control", where.controllers));
    parent = dir;
  }
  return parent;
}

Result<void> Cgroup::open(const CgroupPlace& place, const std::string& parent,
                          const std::string& dir, const Limits& limits, const std::string& device) {
  if (place.version == Version::kV2) {
    v2_dir_ = TRY(base::open_path(dir, O_RDONLY | O_DIRECTORY));
    TRY(set_limits(place, dir, limits, device));
    return place.has(Controller::kCpuset) ? check_cpuset(dir, limits) : Result<void>();
  }
  if (place.has(Controller::kCpuset)) TRY(take_over_cpuset(dir, parent));
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
  // The innermost first. One in which others are stays; the last of ours takes it along.
  std::vector<std::string> parents = std::exchange(parents_, {});
  std::ranges::sort(parents, std::greater{}, &std::string::size);
  for (const std::string& dir : parents) (void)::rmdir(dir.c_str());
  return result;
}

}  // namespace stagebox::sandbox
