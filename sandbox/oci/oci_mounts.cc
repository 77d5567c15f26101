#include <linux/mount.h>

#include <array>
#include <string_view>

#include "sandbox/oci/oci_parts.h"
#include "sandbox/oci/oci_reader.h"

namespace stagebox::sandbox::oci {
namespace {

using base::Result;

struct Flag {
  std::string_view name;
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
};

// Those with an "r" in front are for everything below too, as ours always are.
constexpr std::array kFlags{Flag{"ro", MOUNT_ATTR_RDONLY},
                            Flag{"rw", 0, MOUNT_ATTR_RDONLY},
                            Flag{"nosuid", MOUNT_ATTR_NOSUID},
                            Flag{"suid", 0, MOUNT_ATTR_NOSUID},
                            Flag{"nodev", MOUNT_ATTR_NODEV},
                            Flag{"dev", 0, MOUNT_ATTR_NODEV},
                            Flag{"noexec", MOUNT_ATTR_NOEXEC},
                            Flag{"exec", 0, MOUNT_ATTR_NOEXEC},
                            Flag{"noatime", MOUNT_ATTR_NOATIME},
                            Flag{"strictatime", MOUNT_ATTR_STRICTATIME},
                            Flag{"nodiratime", MOUNT_ATTR_NODIRATIME},
                            Flag{"diratime", 0, MOUNT_ATTR_NODIRATIME},
                            Flag{"relatime"},
                            Flag{"atime"},
                            Flag{"defaults"},
                            Flag{"private"},
                            Flag{"rprivate"},
                            Flag{"bind"},
                            Flag{"rbind"}};

const Flag* find_flag(std::string_view name) {
  for (const Flag& flag : kFlags) {
    if (name == flag.name ||
        (name.starts_with('r') && name.substr(1) == flag.name && (flag.set | flag.clear) != 0))
      return &flag;
  }
  return nullptr;
}

// Options of mount(8) that file systems must never be asked for as if they were theirs.
bool cannot_be_had(std::string_view name) {
  constexpr std::array kNames{"shared",      "rshared", "slave",     "rslave",     "unbindable",
                              "runbindable", "remount", "tmpcopyup", "idmap",      "ridmap",
                              "sync",        "dirsync", "mand",      "nosymfollow"};
  for (const std::string_view known : kNames) {
    if (name == known) return true;
  }
  return false;
}

Result<Mount::Type> type_of(const std::string& type, bool bind, const std::string& where) {
  if (bind) return Mount::Type::kBind;
  constexpr std::array kTypes{
      std::pair{"tmpfs", Mount::Type::kTmpfs},   std::pair{"proc", Mount::Type::kProc},
      std::pair{"devpts", Mount::Type::kDevpts}, std::pair{"mqueue", Mount::Type::kMqueue},
      std::pair{"sysfs", Mount::Type::kSysfs},   std::pair{"cgroup", Mount::Type::kCgroup},
      std::pair{"cgroup2", Mount::Type::kCgroup}};
  for (const auto& [name, value] : kTypes) {
    if (type == name) return value;
  }
  return base::unsupported(where + ": file systems of the type \"" + type +
                           "\" are not mounted for a sandbox");
}

struct Options {
  std::uint64_t attributes = 0;
  std::string data;
  bool bind = false;
  bool recursive = false;
};

Result<Options> read_options(const std::vector<std::string>& options, const std::string& where) {
  Options result;
  for (const std::string& option : options) {
    if (option == "bind" || option == "rbind") result.bind = true;
    if (option == "rbind") result.recursive = true;
    if (cannot_be_had(option))
      return base::unsupported(
          std::string(where).append(": the option \"").append(option).append("\" cannot be had"));
    if (const Flag* flag = find_flag(option)) {
      result.attributes = (result.attributes | flag->set) & ~flag->clear;
    } else {
      result.data += (result.data.empty() ? "" : ",") + option;
    }
  }
  return result;
}

Result<void> read_mount(OciReader object, OciConfig& config) {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
  TRY(object.read("destination", destination));
  TRY(object.read("type", type));
  TRY(object.read("source", source));
  TRY(object.read("options", options));
  TRY(object.refuse("uidMappings", "the ids of a mount are those of the sandbox"));
  TRY(object.refuse("gidMappings", "the ids of a mount are those of the sandbox"));
  TRY(object.finish());
  const Options parsed = TRY(read_options(options, object.name_of("options")));
  Mount mount;
  mount.target = TRY(path_in_root(destination, object.name_of("destination")));
  mount.type = TRY(type_of(type, parsed.bind || type == "bind", object.name_of("type")));
  mount.attributes = parsed.attributes;
  mount.options = parsed.data;
  if (mount.type == Mount::Type::kBind) {
    if (!parsed.data.empty())
      return base::unsupported(object.name_of("options") + ": \"" + parsed.data +
                               "\" means nothing for a bind mount");
    if (source.empty()) return base::invalid(object.name_of("source") + " is missing");
    mount.source = config.binds.size();
    config.binds.push_back(
        {source, parsed.recursive ? BindSource::Depth::kWithSubmounts : BindSource::Depth::kOne});
  }
  config.spec.mounts.push_back(std::move(mount));
  return {};
}

}  // namespace

Result<void> read_mounts(std::vector<OciReader> mounts, OciConfig& config) {
  for (OciReader& mount : mounts) TRY(read_mount(std::move(mount), config));
  return {};
}

}  // namespace stagebox::sandbox::oci
