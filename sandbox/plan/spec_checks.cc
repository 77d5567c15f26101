#include "sandbox/plan/spec_checks.h"

#include <linux/mount.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/base/capabilities.h"
#include "sandbox/cgroup/cgroup_path.h"
#include "sandbox/cgroup/controller_checks.h"
#include "sandbox/child/child_plan.h"
#include "sandbox/kernel/landlock_policy.h"
#include "sandbox/plan/root_plan.h"
#include "sandbox/spec/number_list.h"

namespace stagebox::sandbox {
namespace {

using base::Result;

bool within(std::uint64_t part, std::uint64_t whole) { return (part & ~whole) == 0; }

Result<void> check_capabilities(const CapabilitySets& sets) {
  // What capset(2) and prctl(2) would answer with EPERM.
  if (!within(sets.effective, sets.permitted))
    return base::invalid("a capability is effective without being permitted");
  if (!within(sets.inheritable, sets.bounding))
    return base::invalid("a capability is inheritable without being in the bounding set");
  if (!within(sets.ambient, sets.permitted & sets.inheritable))
    return base::invalid("a capability is ambient without being permitted and inheritable");
  return {};
}

bool plain_path(const std::string& path) {
  if (path.empty() || path.starts_with('/') || path.ends_with('/')) return false;
  const std::string bounded = "/" + path + "/";
  return bounded.find("//") == std::string::npos && bounded.find("/../") == std::string::npos &&
         bounded.find("/./") == std::string::npos && path.find('\0') == std::string::npos;
}

Result<void> check_path(const std::string& path, const char* what) {
  if (plain_path(path)) return {};
  return base::invalid(std::string(what) + ": \"" + path +
                       "\" is not a path below the root without \".\" and \"..\"");
}

Result<void> check_mount(const Mount& mount) {
  TRY(check_path(mount.target, "mount"));
  const bool read_only = (mount.attributes & MOUNT_ATTR_RDONLY) != 0;
  if (mount.type == Mount::Type::kSysfs && !read_only)
    return base::invalid("mount /" + mount.target + ": sysfs is given read-only or not at all");
  const std::string options = "," + mount.options;
  if (mount.content == Mount::Content::kOfTheDirectory &&
      (mount.type != Mount::Type::kTmpfs || options.find(",uid=") != std::string::npos ||
       options.find(",gid=") != std::string::npos))
    return base::invalid(
        "mount /" + mount.target +
        ": what has the content of the directory is a tmpfs, and is whose that is");
  if (mount.type == Mount::Type::kCgroup && !read_only)
    return base::invalid("mount /" + mount.target + ": cgroup is given read-only or not at all");
  return {};
}

Result<void> check_tmpfs(const SandboxSpec& spec, const Tmpfs& tmpfs) {
  TRY(check_path(tmpfs.target, "tmpfs"));
  const std::string name = "the tmpfs at /" + tmpfs.target;
  if (tmpfs.bytes == 0 || tmpfs.inodes == 0) return base::invalid(name + " has no room");
  const auto same = [&](const auto& other) { return other.target == tmpfs.target; };
  // Of what a sandbox has anyway only memory without anything in it, such as /dev/shm, can be
  // replaced.
  const Holding holding = held_by(spec, tmpfs);
  const auto stays = [&](const Mount& other) {
    return same(other) && (other.type != Mount::Type::kTmpfs || holding != Holding::kNothing);
  };
  if (std::ranges::count_if(spec.tmpfs, same) > 1 || std::ranges::any_of(spec.inputs, same) ||
      std::ranges::any_of(spec.mounts, stays))
    return base::invalid(name + ": something else is mounted there, too");
  const bool in_input = std::ranges::any_of(spec.inputs, [&](const InputMount& input) {
    return tmpfs.target.starts_with(input.target + "/");
  });
  if (in_input && holding != Holding::kNothing)
    return base::invalid(name + " lies in an input, and something else is mounted in it");
  return {};
}

// What would not be as large as was asked for is not started.
Result<void> check_shm_size(const SandboxSpec& spec) {
  if (!spec.limits.shm_size) return {};
  if (std::ranges::none_of(spec.mounts, is_shm))
    return base::invalid("shm_size is given, and the sandbox has no /dev/shm of its own");
  if (std::ranges::any_of(spec.tmpfs, [](const Tmpfs& one) { return one.target == kShm; }))
    return base::invalid("shm_size and a tmpfs at /dev/shm are two sizes of the same");
  return {};
}

// What stands there is a sandbox's own, and programs trust it to be the kernel's.
Result<void> check_input(const InputMount& input) {
  TRY(check_path(input.target, "input"));
  for (const std::string own : {"proc", "dev"}) {
    if (input.target == own || input.target.starts_with(own + "/"))
      return base::invalid("nothing can be mounted at /" + input.target + ": what is in /" + own +
                           " is the kernel's");
  }
  return {};
}

Result<void> check_mounts(const SandboxSpec& spec) {
  for (const Mount& mount : spec.mounts) TRY(check_mount(mount));
  for (const InputMount& input : spec.inputs) TRY(check_input(input));
  for (const Tmpfs& tmpfs : spec.tmpfs) TRY(check_tmpfs(spec, tmpfs));
  if (count_tmpfs(spec) > child::kMaxTmpfs)
    return base::unsupported("a sandbox has room for " + std::to_string(child::kMaxTmpfs) +
                             " file systems in memory");
  return {};
}

Result<void> check_device(const Device& device) {
  constexpr mode_t kPermissions = 0777;
  TRY(check_path(device.target, "device"));
  if (device.node && (device.node->mode.value_or(0) & ~kPermissions) != 0)
    return base::invalid("the mode of the device /" + device.target + " is above 0777");
  return {};
}

Result<void> check_root(const SandboxSpec& spec) {
  if (spec.layers == 0) return base::invalid("the image has no layers");
  TRY(check_mounts(spec));
  for (const Device& device : spec.devices) TRY(check_device(device));
  for (const Link& link : spec.links) TRY(check_path(link.target, "link"));
  for (const std::string& path : spec.masked_paths) TRY(check_path(path, "masked path"));
  for (const std::string& path : spec.readonly_paths) TRY(check_path(path, "read-only path"));
  if (!spec.temporary.empty()) TRY(check_path(spec.temporary, "directory for temporary files"));
  if (!spec.workspace.empty()) TRY(check_path(spec.workspace, "workspace"));
  return {};
}

Result<void> check_behind_routes(const CapabilitySets& sets) {
  const std::uint64_t all = sets.bounding | sets.permitted | sets.inheritable | sets.ambient;
  const std::set<std::string> names = base::capability_names(all & base::route_capabilities());
  if (names.empty()) return {};
  return base::invalid("with " + *names.begin() +
                       " a sandbox with network nat could reach addresses that are not public");
}

Result<void> check_namespaces(const SandboxSpec& spec, const KernelFeatures& features) {
  const Namespaces& namespaces = spec.namespaces;
  for (const Sharing other : {namespaces.ipc, namespaces.uts, namespaces.cgroup, namespaces.time}) {
    if (other == Sharing::kWithSandbox)
      return base::invalid("the network namespace is the only one that sandboxes can share");
  }
  if (namespaces.uts != Sharing::kOwn && !(spec.hostname.empty() && spec.domainname.empty()))
    return base::invalid("a host or domain name needs a uts namespace of the sandbox's own");
  if (namespaces.network != Sharing::kOwn &&
      (spec.proxy || spec.interface || spec.network_owner == NetworkOwner::kForOthers))
    return base::invalid("a network of its own needs a network namespace of the sandbox's own");
  if (namespaces.network == Sharing::kWithHost &&
      !landlock_policy(features.landlock_abi).walls_off_abstract_sockets())
    return base::unsupported(kHostNetworkUnwalled);
  for (const std::string& name : spec.host_names) {
    if (name.empty() || name.find_first_of(" \t\r\n#") != std::string::npos)
      return base::invalid("\"" + name + "\" is not a name for /etc/hosts");
  }
  if (spec.proxy && spec.interface)
    return base::invalid("with an interface of its own a sandbox could go around its proxy");
  if (spec.interface) TRY(check_behind_routes(spec.capabilities));
  for (const base::IpRange& range :
       spec.interface ? spec.interface->unreachable : std::vector<base::IpRange>()) {
    if (!range.first.is_v4()) return base::invalid(range.text() + " is not a range of IPv4");
  }
  if (!spec.clock_offsets) return {};
  if (namespaces.time != Sharing::kOwn)
    return base::invalid("clock offsets need a time namespace of the sandbox's own");
  if (!features.time_namespace)
    return base::unsupported("clock offsets need time namespaces: Linux 5.6 with CONFIG_TIME_NS");
  return {};
}

constexpr std::array<std::string_view, 10> kIpcSysctls{
    "kernel.msgmax", "kernel.msgmnb",         "kernel.msgmni", "kernel.msg_next_id",
    "kernel.sem",    "kernel.sem_next_id",    "kernel.shmall", "kernel.shmmax",
    "kernel.shmmni", "kernel.shm_rmid_forced"};

}  // namespace

Result<std::string> sysctl_path(const std::string& name, const Namespaces& namespaces) {
  std::string path = name;
  if (name.find('/') == std::string::npos) std::ranges::replace(path, '.', '/');
  if (!plain_path(path)) return base::invalid("\"" + name + "\" is not the name of a sysctl");
  std::string dotted = path;
  std::ranges::replace(dotted, '/', '.');
  const bool ipc = std::ranges::find(kIpcSysctls, dotted) != kIpcSysctls.end() ||
                   dotted.starts_with("fs.mqueue.");
  if (ipc && namespaces.ipc == Sharing::kOwn) return path;
  const bool network = dotted.starts_with("net.");
  if (network && namespaces.network == Sharing::kOwn) return path;
  return base::invalid("the sysctl " + name +
                       (ipc || network
                            ? " is of a namespace that is not the sandbox's own"
                            : " is of the whole machine, and a sandbox may only change its own") +
                       "; host and domain name have settings of their own");
}

Result<void> check_process(const ProcessSpec& process) {
  const Command& command = process.command;
  if (command.argv.empty() || command.argv.front().empty())
    return base::invalid("there is no command to run");
  // setresuid(2) and setresgid(2) take -1 for "leave it as it is": the stage would stay root.
  constexpr std::uint32_t kUnchanged = ~std::uint32_t{0};
  if (process.user.uid == kUnchanged || process.user.gid == kUnchanged)
    return base::invalid("4294967295 is not an id that a process can have");
  if (!command.workdir.starts_with('/')) {
    return base::invalid("the working directory \"" + command.workdir + "\" is not absolute");
  }
  for (const Rlimit& limit : process.rlimits) {
    if (limit.soft > limit.hard)
      return base::invalid("the soft limit of resource " + std::to_string(limit.resource) +
                           " is above its hard limit");
  }
  if (!process.added_cpus.empty()) TRY(parse_number_list(process.added_cpus));
  if (process.memory_policy && !process.memory_policy->nodes.empty())
    TRY(parse_number_list(process.memory_policy->nodes));
  return check_capabilities(process.capabilities);
}

namespace {

// One that a file of the kernel takes in one piece, and as nothing else.
Result<void> check_label(const std::string& label, bool supported, const char* module) {
  constexpr std::size_t kMaxLabel = 4095;
  if (label.empty()) return {};
  if (label.size() > kMaxLabel || label.find_first_of("\n \"") != std::string::npos)
    return base::invalid("\"" + label + "\" is not a label of " + module);
  if (supported) return {};
  return base::unsupported("\"" + label + "\": this machine's kernel has no " + module +
                           " that is enabled; leave the label out");
}

}  // namespace

// To a tmpfs and to v1's blkio 0 is no limit; infinity and what is no number fit no kernel's field.
Result<void> check_limits(const Limits& limits) {
  const auto is_amount = [](double cpus) {
    constexpr double kMostCpus = 1e6;
    return cpus > 0 && cpus <= kMostCpus;
  };
  if (limits.cpus && !is_amount(*limits.cpus))
    return base::invalid("cpus is not a number of processors");
  const std::pair<const char*, const std::optional<std::uint64_t>&> amounts[] = {
      {"cpu_weight", limits.cpu_weight},
      {"memory", limits.memory},
      {"shm_size", limits.shm_size},
      {"pids", limits.pids},
      {"disk", limits.disk},
      {"inodes", limits.inodes},
      {"io_read", limits.io_read},
      {"io_write", limits.io_write},
      {"open_files", limits.open_files}};
  for (const auto& [name, amount] : amounts) {
    if (amount == std::uint64_t{0})
      return base::invalid(std::string(name) + " is 0, with which nothing could run");
  }
  if (limits.cpuset && limits.cpuset->empty()) return base::invalid("cpuset names no processor");
  if (limits.controllers.swap && !limits.memory)
    return base::invalid("an amount of swap needs a limit of memory");
  return check_controllers(limits.controllers);
}

Result<void> check_spec(const SandboxSpec& spec, const KernelFeatures& features) {
  TRY(check_process(spec));
  TRY(check_label(spec.labels.apparmor_profile, features.apparmor, "AppArmor"));
  TRY(check_label(spec.labels.selinux_label, features.selinux, "SELinux"));
  TRY(check_label(spec.mount_label, features.selinux, "SELinux"));
  TRY(check_root(spec));
  TRY(check_limits(spec.limits));
  TRY(check_shm_size(spec));
  if (!spec.cgroup.empty()) TRY(parse_cgroup_path(spec.cgroup));
  for (const auto& [name, value] : spec.sysctls) TRY(sysctl_path(name, spec.namespaces));
  TRY(check_namespaces(spec, features));
  if (spec.seccomp == nullptr || spec.seccomp->instructions.empty())
    return base::unsupported("a sandbox without a system call filter is not started");
  return {};
}

}  // namespace stagebox::sandbox
