#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sandbox/cgroup/cgroup_path.h"
#include "sandbox/oci/oci_parts.h"
#include "sandbox/oci/oci_reader.h"

namespace stagebox::sandbox::oci {
namespace {

using base::Result;

bool asks_for_user_namespace(OciReader& object) {
  const Json* listed = object.raw("namespaces");
  if (listed == nullptr || !listed->is_array()) return false;
  return std::ranges::any_of(
      *listed, [](const Json& one) { return one.value("type", std::string()) == "user"; });
}

using Listed = std::map<std::string, std::string>;

// By type, with the paths of those that are there already.
Result<Listed> read_listed(OciReader& object) {
  Listed listed;
  auto items = TRY(object.children("namespaces"));
  for (OciReader& item : items) {
    std::string type;
    std::string path;
    TRY(item.read("type", type));
    TRY(item.read("path", path));
    TRY(item.finish());
    if (!path.empty() && !path.starts_with('/'))
      return base::invalid(item.name_of("path") + ": \"" + path + "\" is not absolute");
    if (!listed.emplace(type, path).second)
      return base::invalid(item.name_of("type") + ": \"" + type + "\" is there twice");
  }
  return listed;
}

// Without a user namespace everything inside would be the host's root, held by what it may call and
// see alone. So there always is one of its own, asked for or not: ids inside are as they would have
// been without, and stand for nobody on the host.
Result<void> take_what_is_always_own(Listed& listed) {
  for (const std::string type : {"user", "mount", "pid"}) {
    const auto found = listed.find(type);
    if (found == listed.end() && type != "user")
      return base::unsupported("linux.namespaces: there is no sandbox without a " + type +
                               " namespace of its own");
    if (found == listed.end()) continue;
    if (!found->second.empty())
      return base::unsupported("linux.namespaces: \"" + found->second + "\": the " + type +
                               " namespace of a sandbox is always a new one");
    listed.erase(found);
  }
  return {};
}

// Those that are not listed are those of the runtime (config-linux.md, "Namespaces"): shared. But
// for the cgroup namespace: where its cgroup lies on the machine is nothing that a sandbox needs,
// and a cgroup file system that shows it could not be mounted.
Result<void> read_namespaces(OciReader& object, OciConfig& config) {
  Listed listed = TRY(read_listed(object));
  TRY(take_what_is_always_own(listed));
  const auto take = [&](const char* type, std::string& path) {
    const auto found = listed.find(type);
    if (found == listed.end()) return Sharing::kWithHost;
    path = found->second;
    listed.erase(found);
    return path.empty() ? Sharing::kOwn : Sharing::kGiven;
  };
  NamespacePaths& paths = config.namespaces;
  listed.try_emplace("cgroup");
  config.spec.namespaces = {take("network", paths.network), take("ipc", paths.ipc),
                            take("uts", paths.uts), take("cgroup", paths.cgroup),
                            take("time", paths.time)};
  if (!listed.empty())
    return base::unsupported("linux.namespaces: \"" + listed.begin()->first + "\" is not known");
  return {};
}

// They need a user namespace that the config asks for: with the one that it gets anyway ids are as
// they would be without.
Result<void> read_mappings(OciReader& object, SandboxSpec& spec, bool asked) {
  spec.id_mappings = TRY(read_id_mappings(object));
  if (spec.id_mappings && !asked)
    return base::invalid("linux.uidMappings: linux.namespaces has no user namespace");
  return {};
}

Result<Device::Node::Type> node_type(const std::string& type, const std::string& where) {
  if (type == "c" || type == "u") return Device::Node::Type::kCharacter;
  if (type == "b") return Device::Node::Type::kBlock;
  if (type == "p") return Device::Node::Type::kFifo;
  return base::invalid(where + ": \"" + type + "\" is not known");
}

Result<void> read_device(OciReader item, std::vector<Device>& devices) {
  std::string type;
  std::string path;
  unsigned major = 0;
  unsigned minor = 0;
  std::optional<std::uint32_t> mode;
  Device::Node node;
  TRY(item.read("type", type));
  TRY(item.read("path", path));
  TRY(item.read("major", major));
  TRY(item.read("minor", minor));
  TRY(item.read("fileMode", mode));
  TRY(item.read("uid", node.uid));
  TRY(item.read("gid", node.gid));
  TRY(item.finish());
  node.type = TRY(node_type(type, item.name_of("type")));
  // Some writers put the type into it once more.
  if (mode) node.mode = *mode & ~static_cast<std::uint32_t>(S_IFMT);
  if (node.mode.value_or(0) > 0777)
    return base::invalid(item.name_of("fileMode") + " is above 0777");
  Device device;
  device.target = TRY(path_in_root(path, item.name_of("path")));
  device.host_path = path;
  if (node.type != Device::Node::Type::kFifo) device.number = ::makedev(major, minor);
  device.node = node;
  devices.push_back(std::move(device));
  return {};
}

Result<void> read_paths(OciReader& object, const char* key, std::vector<std::string>& paths) {
  std::vector<std::string> absolute;
  TRY(object.read(key, absolute));
  for (const std::string& path : absolute)
    paths.push_back(TRY(path_in_root(path, object.name_of(key))));
  return {};
}

// With an "r" in front it is for all that is mounted below, too.
Result<void> read_propagation(OciReader& object, SandboxSpec& spec) {
  std::string propagation;
  TRY(object.read("rootfsPropagation", propagation));
  const std::map<std::string, Propagation> known{{"private", Propagation::kPrivate},
                                                 {"slave", Propagation::kSlave},
                                                 {"shared", Propagation::kShared},
                                                 {"unbindable", Propagation::kUnbindable}};
  if (propagation.empty()) return {};
  const bool all = propagation.starts_with('r');
  const auto found = known.find(all ? propagation.substr(1) : propagation);
  if (found == known.end())
    return base::invalid("linux.rootfsPropagation: \"" + propagation + "\" is not known");
  spec.propagation = found->second;
  spec.propagation_of = all ? PropagationOf::kAllMounts : PropagationOf::kTheRoot;
  return {};
}

Result<void> read_root_settings(OciReader& object, SandboxSpec& spec) {
  auto items = TRY(object.children("devices"));
  for (OciReader& item : items) TRY(read_device(std::move(item), spec.devices));
  TRY(read_paths(object, "maskedPaths", spec.masked_paths));
  TRY(read_paths(object, "readonlyPaths", spec.readonly_paths));
  return read_propagation(object, spec);
}

Result<ClockOffset> read_offset(OciReader& offsets, const char* clock) {
  ClockOffset offset;
  auto object = TRY(offsets.child(clock));
  if (!object) return offset;
  TRY(object->read("secs", offset.seconds));
  TRY(object->read("nanosecs", offset.nanoseconds));
  TRY(object->finish());
  return offset;
}

// linux/mempolicy.h
constexpr std::array<std::pair<const char*, unsigned>, 7> kMemoryModes{
    {{"MPOL_DEFAULT", 0},
     {"MPOL_PREFERRED", 1},
     {"MPOL_BIND", 2},
     {"MPOL_INTERLEAVE", 3},
     {"MPOL_LOCAL", 4},
     {"MPOL_PREFERRED_MANY", 5},
     {"MPOL_WEIGHTED_INTERLEAVE", 6}}};
constexpr std::array<std::pair<const char*, unsigned>, 3> kMemoryFlags{
    {{"MPOL_F_STATIC_NODES", 1U << 15U},
     {"MPOL_F_RELATIVE_NODES", 1U << 14U},
     {"MPOL_F_NUMA_BALANCING", 1U << 13U}}};

Result<void> read_memory_policy(OciReader& linux_part, SandboxSpec& spec) {
  auto object = TRY(linux_part.child("memoryPolicy"));
  if (!object) return {};
  MemoryPolicy policy;
  std::string mode;
  std::vector<std::string> flags;
  TRY(object->read("mode", mode));
  TRY(read_number_list(*object, "nodes", policy.nodes));
  TRY(object->read("flags", flags));
  TRY(object->finish());
  policy.mode = TRY(look_up(kMemoryModes, mode, object->name_of("mode")));
  for (const std::string& flag : flags)
    policy.mode |= TRY(look_up(kMemoryFlags, flag, object->name_of("flags")));
  spec.memory_policy = std::move(policy);
  return {};
}

Result<void> read_kernel_settings(OciReader& object, SandboxSpec& spec) {
  TRY(object.read("sysctl", spec.sysctls));
  TRY(read_memory_policy(object, spec));
  if (auto offsets = TRY(object.child("timeOffsets"))) {
    ClockOffsets clocks;
    clocks.monotonic = TRY(read_offset(*offsets, "monotonic"));
    clocks.boottime = TRY(read_offset(*offsets, "boottime"));
    TRY(offsets->finish());
    spec.clock_offsets = clocks;
  }
  if (auto personality = TRY(object.child("personality"))) {
    std::string domain;
    TRY(personality->read("domain", domain));
    TRY(personality->refuse("flags", "there are none (config-linux.md, \"Personality\")"));
    TRY(personality->finish());
    if (domain != "LINUX" && domain != "LINUX32")
      return base::invalid("linux.personality.domain: \"" + domain + "\" is not known");
    spec.personality = domain == "LINUX32" ? Personality::kLinux32 : Personality::kNative;
  }
  return {};
}

Result<void> read_cgroup(OciReader& object, SandboxSpec& spec) {
  TRY(object.read("cgroupsPath", spec.cgroup));
  if (!spec.cgroup.empty()) {
    const auto path = parse_cgroup_path(spec.cgroup);
    if (!path.ok()) return path.error().with_context("linux.cgroupsPath");
  }
  if (auto resources = TRY(object.child("resources")))
    TRY(read_resources(std::move(*resources), spec));
  return {};
}

}  // namespace

Result<void> read_linux(OciReader object, const ProfileContext& machine, OciConfig& config) {
  TRY(read_namespaces(object, config));
  TRY(read_mappings(object, config.spec, asks_for_user_namespace(object)));
  TRY(read_root_settings(object, config.spec));
  TRY(read_kernel_settings(object, config.spec));
  TRY(read_cgroup(object, config.spec));
  if (const Json* seccomp = object.raw("seccomp"))
    config.seccomp = TRY(parse_seccomp_profile(seccomp->dump(), machine));
  TRY(object.read("mountLabel", config.spec.mount_label));
  TRY(object.refuse("intelRdt", "cache and bandwidth allocation cannot be had"));
  TRY(object.refuse("netDevices", "no interface of the host is moved into a sandbox"));
  return object.finish();
}

}  // namespace stagebox::sandbox::oci
