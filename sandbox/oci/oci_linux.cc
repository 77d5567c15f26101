#include <sys/sysmacros.h>

#include "sandbox/cgroup_path.h"
#include "sandbox/oci/oci_parts.h"
#include "sandbox/oci/oci_reader.h"

namespace stagebox::sandbox::oci {
namespace {

using base::Result;

// Those that are not listed are those of the runtime (config-linux.md, "Namespaces"): shared.
Result<void> read_namespaces(OciReader& object, Namespaces& namespaces) {
  std::set<std::string> own;
  auto items = TRY(object.children("namespaces"));
  for (OciReader& item : items) {
    std::string type;
    TRY(item.read("type", type));
    TRY(item.refuse("path", "a sandbox is not put into a namespace that is there already"));
    TRY(item.finish());
    if (!own.insert(type).second)
      return base::invalid(item.name_of("type") + ": \"" + type + "\" is there twice");
  }
  for (const char* needed : {"user", "mount", "pid"}) {
    if (own.erase(needed) == 0)
      return base::unsupported("linux.namespaces: there is no sandbox without a " +
                               std::string(needed) + " namespace of its own");
  }
  const auto sharing = [&](const char* type) {
    return own.erase(type) == 0 ? Sharing::kWithHost : Sharing::kOwn;
  };
  namespaces = {sharing("network"), sharing("ipc"), sharing("uts"), sharing("cgroup"),
                sharing("time")};
  if (!own.empty())
    return base::unsupported("linux.namespaces: \"" + *own.begin() + "\" is not known");
  return {};
}

Result<std::vector<IdRange>> read_ranges(OciReader& object, const char* key) {
  std::vector<IdRange> ranges;
  auto items = TRY(object.children(key));
  for (OciReader& item : items) {
    IdRange range;
    TRY(item.read("containerID", range.inside));
    TRY(item.read("hostID", range.outside));
    TRY(item.read("size", range.count));
    TRY(item.finish());
    ranges.push_back(range);
  }
  return ranges;
}

Result<void> read_mappings(OciReader& object, SandboxSpec& spec) {
  IdMappings mappings;
  mappings.users = TRY(read_ranges(object, "uidMappings"));
  mappings.groups = TRY(read_ranges(object, "gidMappings"));
  if (mappings.users.empty() && mappings.groups.empty()) return {};
  if (mappings.users.empty() || mappings.groups.empty())
    return base::invalid("linux.uidMappings and linux.gidMappings come together");
  spec.id_mappings = std::move(mappings);
  return {};
}

Result<void> read_device(OciReader item, std::vector<Device>& devices) {
  std::string type;
  std::string path;
  unsigned major = 0;
  unsigned minor = 0;
  TRY(item.read("type", type));
  TRY(item.read("path", path));
  TRY(item.read("major", major));
  TRY(item.read("minor", minor));
  constexpr char kBound[] =
      "nodes cannot be made in a user namespace, so the host's is given as it is";
  TRY(item.refuse("fileMode", kBound));
  TRY(item.refuse("uid", kBound));
  TRY(item.refuse("gid", kBound));
  TRY(item.finish());
  if (type != "c" && type != "u" && type != "b")
    return base::unsupported(item.name_of("type") + ": \"" + type + "\" is not given to a sandbox");
  Device device;
  device.target = TRY(path_in_root(path, item.name_of("path")));
  device.host_path = path;
  device.number = ::makedev(major, minor);
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

Result<void> read_root_settings(OciReader& object, SandboxSpec& spec) {
  auto items = TRY(object.children("devices"));
  for (OciReader& item : items) TRY(read_device(std::move(item), spec.devices));
  TRY(read_paths(object, "maskedPaths", spec.masked_paths));
  TRY(read_paths(object, "readonlyPaths", spec.readonly_paths));
  std::string propagation;
  TRY(object.read("rootfsPropagation", propagation));
  const std::map<std::string, Propagation> known{{"", Propagation::kPrivate},
                                                 {"private", Propagation::kPrivate},
                                                 {"rprivate", Propagation::kPrivate},
                                                 {"slave", Propagation::kSlave},
                                                 {"rslave", Propagation::kSlave},
                                                 {"shared", Propagation::kShared},
                                                 {"rshared", Propagation::kShared},
                                                 {"unbindable", Propagation::kUnbindable},
                                                 {"runbindable", Propagation::kUnbindable}};
  const auto found = known.find(propagation);
  if (found == known.end())
    return base::invalid("linux.rootfsPropagation: \"" + propagation + "\" is not known");
  spec.propagation = found->second;
  return {};
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

Result<void> read_kernel_settings(OciReader& object, SandboxSpec& spec) {
  TRY(object.read("sysctl", spec.sysctls));
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
    TRY(read_resources(std::move(*resources), spec.limits));
  return {};
}

}  // namespace

Result<void> read_linux(OciReader object, const ProfileContext& machine, OciConfig& config) {
  TRY(read_namespaces(object, config.spec.namespaces));
  TRY(read_mappings(object, config.spec));
  TRY(read_root_settings(object, config.spec));
  TRY(read_kernel_settings(object, config.spec));
  TRY(read_cgroup(object, config.spec));
  if (const Json* seccomp = object.raw("seccomp"))
    config.seccomp = TRY(parse_seccomp_profile(seccomp->dump(), machine));
  TRY(object.refuse("mountLabel", "SELinux labels cannot be set"));
  TRY(object.refuse("intelRdt", "cache and bandwidth allocation cannot be had"));
  TRY(object.refuse("memoryPolicy", "memory policies cannot be set"));
  TRY(object.refuse("netDevices", "no interface of the host is moved into a sandbox"));
  return object.finish();
}

}  // namespace stagebox::sandbox::oci
