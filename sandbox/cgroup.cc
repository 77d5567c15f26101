#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <sstream>

#include "runtime/base/files.h"
#include "sandbox/cgroup_discovery.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;
using Version = CgroupPlace::Version;

constexpr std::size_t kMaxFile = std::size_t{1} << 20;
constexpr std::uint64_t kCpuPeriodUsec = 100'000;
constexpr std::uint64_t kMinQuotaUsec = 1000;  // the kernel's own minimum

std::string read_or_empty(const std::string& path) {
  auto content = base::read_file(path, kMaxFile);
  return content.ok() ? std::move(*content) : std::string();
}

Result<void> write_value(const std::string& dir, const char* file, const std::string& value) {
  const std::string path = dir + "/" + file;
  const UniqueFd fd = TRY(base::open_path(path, O_WRONLY));
  const auto written = base::write_all(fd.get(), value);
  if (!written.ok()) return written.error().with_context("set " + path + " to " + value);
  return {};
}

std::uint64_t parse_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The value of "key value" in a flat keyed file (cgroup-v2.rst, "Format").
std::uint64_t keyed(const std::string& content, const std::string& key) {
  std::istringstream lines(content);
  std::string name;
  std::string value;
  while (lines >> name >> value) {
    if (name == key) return parse_number(value);
  }
  return 0;
}

bool writable(const std::string& dir) {
  return ::faccessat(AT_FDCWD, dir.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
}

bool contains(const std::vector<Controller>& controllers, Controller wanted) {
  return std::ranges::find(controllers, wanted) != controllers.end();
}

std::vector<Controller> v2_controllers(const std::string& dir) {
  std::istringstream names(read_or_empty(dir + "/cgroup.controllers"));
  std::vector<Controller> found;
  for (std::string name; names >> name;) {
    for (const Controller controller : {Controller::kCpu, Controller::kMemory, Controller::kPids}) {
      if (name == controller_name(controller)) found.push_back(controller);
    }
  }
  return found;
}

std::string cpu_quota(double cpus) {
  const auto quota = static_cast<std::uint64_t>(cpus * static_cast<double>(kCpuPeriodUsec));
  return std::to_string(std::max(quota, kMinQuotaUsec));
}

Result<void> limit_v2(const std::string& dir, Controller controller, const Limits& limits) {
  if (controller == Controller::kMemory && limits.memory) {
    TRY(write_value(dir, "memory.max", std::to_string(*limits.memory)));
    // One process over the limit ends the sandbox, not a random part of it.
    TRY(write_value(dir, "memory.oom.group", "1"));
    if (::access((dir + "/memory.swap.max").c_str(), F_OK) == 0)
      return write_value(dir, "memory.swap.max", "0");
  }
  if (controller == Controller::kPids && limits.pids) {
    return write_value(dir, "pids.max", std::to_string(*limits.pids));
  }
  if (controller == Controller::kCpu && limits.cpus) {
    return write_value(dir, "cpu.max",
                       cpu_quota(*limits.cpus) + " " + std::to_string(kCpuPeriodUsec));
  }
  return {};
}

Result<void> limit_v1(const std::string& dir, Controller controller, const Limits& limits) {
  if (controller == Controller::kMemory && limits.memory) {
    const std::string bytes = std::to_string(*limits.memory);
    TRY(write_value(dir, "memory.limit_in_bytes", bytes));
    if (::access((dir + "/memory.memsw.limit_in_bytes").c_str(), F_OK) == 0) {
      return write_value(dir, "memory.memsw.limit_in_bytes", bytes);
    }
    return write_value(dir, "memory.swappiness", "0");
  }
  if (controller == Controller::kPids && limits.pids) {
    return write_value(dir, "pids.max", std::to_string(*limits.pids));
  }
  if (controller == Controller::kCpu && limits.cpus) {
    TRY(write_value(dir, "cpu.cfs_period_us", std::to_string(kCpuPeriodUsec)));
    return write_value(dir, "cpu.cfs_quota_us", cpu_quota(*limits.cpus));
  }
  return {};
}

void add_usage_v2(const std::string& dir, Controller controller, CgroupUsage& usage) {
  if (controller == Controller::kCpu) {
    const std::string stat = read_or_empty(dir + "/cpu.stat");
    usage.user_cpu = std::chrono::microseconds(keyed(stat, "user_usec"));
    usage.system_cpu = std::chrono::microseconds(keyed(stat, "system_usec"));
  } else if (controller == Controller::kMemory) {
    usage.peak_memory = parse_number(read_or_empty(dir + "/memory.peak"));
    usage.oom_kills = keyed(read_or_empty(dir + "/memory.events"), "oom_kill");
  } else {
    usage.pids_refused = keyed(read_or_empty(dir + "/pids.events"), "max");
  }
}

void add_usage_v1(const std::string& dir, Controller controller, CgroupUsage& usage) {
  if (controller == Controller::kMemory) {
    usage.peak_memory = parse_number(read_or_empty(dir + "/memory.max_usage_in_bytes"));
    // Linux 4.13; the file's other lines say whether the killer is on and waiting.
    usage.oom_kills = keyed(read_or_empty(dir + "/memory.oom_control"), "oom_kill");
  } else if (controller == Controller::kPids) {
    usage.pids_refused = keyed(read_or_empty(dir + "/pids.events"), "max");
  }
}

// rmdir answers EBUSY until the last dead task has let go, a few milliseconds at most; v1 offers
// nothing to poll for that.
Result<void> remove_dir(const std::string& dir) {
  constexpr int kAttempts = 200;
  for (int attempt = 0;; ++attempt) {
    if (::rmdir(dir.c_str()) == 0 || errno == ENOENT) return {};
    if (errno != EBUSY || attempt == kAttempts)
      return base::errno_error("remove the cgroup " + dir);
    const struct timespec pause{0, attempt < 20 ? 500'000 : 10'000'000};
    (void)::nanosleep(&pause, nullptr);
  }
}

void kill_all(const std::string& dir) {
  // cgroup.kill: v2, Linux 5.14. Elsewhere the members die with their pid 1, which is among them.
  const UniqueFd kill_file(::open((dir + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  if (kill_file) (void)base::write_all(kill_file.get(), "1");
  std::istringstream pids(read_or_empty(dir + "/cgroup.procs"));
  for (pid_t pid = 0; pids >> pid;) {
    if (pid > 1) (void)::kill(pid, SIGKILL);
  }
}

base::Error missing(Controller controller, const std::vector<CgroupPlace>& places) {
  const std::string name = controller_name(controller);
  std::string text = "the limit on " + name + " cannot be enforced: no cgroup with the " + name +
                     " controller can be made by this user";
  if (places.empty()) text += " (no cgroup hierarchy is writable)";
  return base::unsupported(text +
                           "; remove the limit, or start with delegated cgroups, for example: "
                           "systemd-run --user --scope -p Delegate=yes stagebox ..., or as root; "
                           "`stagebox doctor` shows what is there");
}

}  // namespace

const char* controller_name(Controller controller) {
  switch (controller) {
    case Controller::kCpu:
      return "cpu";
    case Controller::kMemory:
      return "memory";
    case Controller::kPids:
      return "pids";
  }
  return "";
}

Cgroup::~Cgroup() { (void)destroy(); }

CgroupUsage Cgroup::usage() const {
  CgroupUsage usage;
  for (const auto& [place, dir] : dirs_) {
    for (const Controller controller : place.controllers) {
      (place.version == Version::kV2 ? add_usage_v2 : add_usage_v1)(dir, controller, usage);
    }
  }
  return usage;
}

Result<void> Cgroup::destroy() {
  v1_procs_.clear();
  v2_dir_.reset();
  Result<void> result;
  for (const auto& [place, dir] : std::exchange(dirs_, {})) {
    auto removed = remove_dir(dir);
    if (!removed.ok()) result = std::move(removed);
  }
  return result;
}

CgroupTree CgroupTree::discover(const std::string& name) {
  CgroupTree tree;
  tree.name_ = name;
  auto found =
      find_cgroup_places(read_or_empty("/proc/self/mountinfo"), read_or_empty("/proc/self/cgroup"));
  for (CgroupPlace& place : found) {
    if (place.version == Version::kV2) place.controllers = v2_controllers(place.dir);
    // A hybrid machine's v2 tree controls nothing of ours, but each directory there would cost
    // time.
    if (!place.controllers.empty() && writable(place.dir)) tree.places_.push_back(std::move(place));
  }
  return tree;
}

bool CgroupTree::has(Controller controller) const {
  return std::ranges::any_of(
      places_, [&](const CgroupPlace& place) { return contains(place.controllers, controller); });
}

std::vector<std::string> CgroupTree::directories() const {
  std::vector<std::string> dirs;
  dirs.reserve(places_.size());
  for (const CgroupPlace& place : places_) dirs.push_back(place.dir + "/" + name_);
  return dirs;
}

namespace {

// v2 hands controllers down only from a cgroup without processes of its own (the root excepted),
// and we are in ours: we move into a leaf beside the sandboxes.
Result<void> delegate_v2(const CgroupPlace& place, const std::string& own_dir) {
  std::string wanted;
  for (const Controller controller : place.controllers)
    wanted += std::string(" +") + controller_name(controller);
  auto enabled = write_value(place.dir, "cgroup.subtree_control", wanted);
  if (!enabled.ok() && enabled.error().errno_value == EBUSY) {
    const std::string leaf = own_dir + "/supervisor";
    TRY(base::make_dir_at(AT_FDCWD, leaf, 0755));
    TRY(write_value(leaf, "cgroup.procs", std::to_string(::getpid())));
    enabled = write_value(place.dir, "cgroup.subtree_control", wanted);
  }
  if (!enabled.ok()) {
    return base::unsupported(
        "hand cgroup controllers down in " + place.dir + ": " + enabled.error().message +
        "; other processes are in the same cgroup: start with systemd-run --user "
        "--scope -p Delegate=yes stagebox ...");
  }
  return write_value(own_dir, "cgroup.subtree_control", wanted);
}

Result<void> set_limits(const CgroupPlace& place, const std::string& dir, const Limits& limits) {
  for (const Controller controller : place.controllers) {
    TRY((place.version == Version::kV2 ? limit_v2 : limit_v1)(dir, controller, limits));
  }
  return {};
}

}  // namespace

Result<void> CgroupTree::prepare() {
  if (prepared_) return {};
  for (const CgroupPlace& place : places_) {
    const std::string dir = place.dir + "/" + name_;
    TRY(base::make_dir_at(AT_FDCWD, dir, 0755));
    if (place.version == Version::kV2) TRY(delegate_v2(place, dir));
  }
  prepared_ = true;
  return {};
}

Result<Cgroup> CgroupTree::make(const std::string& name, const Limits& limits) {
  if (limits.memory && !has(Controller::kMemory)) return missing(Controller::kMemory, places_);
  if (limits.pids && !has(Controller::kPids)) return missing(Controller::kPids, places_);
  if (limits.cpus && !has(Controller::kCpu)) return missing(Controller::kCpu, places_);
  TRY(prepare());
  Cgroup cgroup;
  for (const CgroupPlace& place : places_) {
    const std::string dir = place.dir + "/" + name_ + "/" + name;
    if (::mkdir(dir.c_str(), 0755) != 0) return base::errno_error("create the cgroup " + dir);
    cgroup.dirs_.emplace_back(place, dir);
    TRY(set_limits(place, dir, limits));
    if (place.version == Version::kV2) {
      cgroup.v2_dir_ = TRY(base::open_path(dir, O_RDONLY | O_DIRECTORY));
    } else {
      cgroup.v1_procs_.push_back(TRY(base::open_path(dir + "/cgroup.procs", O_WRONLY)));
    }
  }
  return cgroup;
}

Result<void> CgroupTree::destroy() {
  if (!prepared_) return {};
  Result<void> result;
  for (const std::string& dir : directories()) {
    const std::string leaf = dir + "/supervisor";
    // While we are in the leaf it stays, and with it the directory; the next start removes both.
    if (::rmdir(leaf.c_str()) != 0 && errno != ENOENT) continue;
    auto removed = remove_dir(dir);
    if (!removed.ok()) result = std::move(removed);
  }
  return result;
}

Result<void> CgroupTree::remove_dead(const std::string& directory) {
  const UniqueFd dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dir) {
    if (errno == ENOENT) return {};
    return base::errno_error("open the cgroup " + directory);
  }
  for (const std::string& name : TRY(base::list_dir(dir.get()))) {
    std::string child = directory;
    child.append("/").append(name);
    const struct stat status = TRY(base::stat_at(dir.get(), name));
    if (!S_ISDIR(status.st_mode)) continue;
    kill_all(child);
    TRY(remove_dir(child));
  }
  return remove_dir(directory);
}

}  // namespace stagebox::sandbox
