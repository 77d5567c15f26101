#include <linux/mount.h>

#include <algorithm>
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
                            Flag{"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW},
                            Flag{"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
                            Flag{"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
                            Flag{"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
                            Flag{"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
                            Flag{"atime", 0, MOUNT_ATTR__ATIME},
                            Flag{"nodiratime", MOUNT_ATTR_NODIRATIME},
                            Flag{"diratime", 0, MOUNT_ATTR_NODIRATIME},
                            Flag{"norelatime"},
                            Flag{"nostrictatime", 0, MOUNT_ATTR__ATIME}};

// What a mount of ours is anyway, and what other loops look for.
constexpr std::array<std::string_view, 14> kNothingToDo{
    "tmpcopyup", "defaults", "private", "rprivate",   "bind",       "rbind", "async",
    "loud",      "silent",   "nomand",  "noiversion", "nolazytime", "idmap", "ridmap"};

const Flag* find_flag(std::string_view name) {
  for (const Flag& flag : kFlags) {
    if (name == flag.name || (name.starts_with('r') && name.substr(1) == flag.name)) return &flag;
  }
  return nullptr;
}

// Why an option of mount(8) cannot be had, which file systems must never be asked for as if it were
// theirs; nullptr for others.
const char* why_not(std::string_view name) {
  for (const std::string_view shared : {"shared", "rshared", "slave", "rslave"}) {
    if (name == shared)
      return "no mount event leaves or enters a sandbox; leave it out, or say \"private\"";
  }
  for (const std::string_view other :
       {"unbindable", "runbindable", "remount", "mand", "iversion"}) {
    if (name == other) return "it means nothing for a mount that is new";
  }
  return nullptr;
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
  bool copied = false;
  MountDepth depth = MountDepth::kOne;
  std::optional<MountDepth> mapped;
};

void read_option(const std::string& option, Options& result) {
  if (option == "bind" || option == "rbind") result.bind = true;
  if (option == "tmpcopyup") result.copied = true;
  if (option == "rbind") result.depth = MountDepth::kWithSubmounts;
  if (option == "idmap") result.mapped = MountDepth::kOne;
  if (option == "ridmap") result.mapped = MountDepth::kWithSubmounts;
  if (std::ranges::find(kNothingToDo, option) != kNothingToDo.end()) return;
  if (const Flag* flag = find_flag(option)) {
    result.attributes = (result.attributes & ~flag->clear) | flag->set;
  } else {
    result.data += (result.data.empty() ? "" : ",") + option;
  }
}

Result<Options> read_options(const std::vector<std::string>& options, const std::string& where) {
  Options result;
  for (const std::string& option : options) {
    if (const char* reason = why_not(option))
      return base::unsupported(std::string(where)
                                   .append(": the option \"")
                                   .append(option)
                                   .append("\" cannot be had: ")
                                   .append(reason));
    read_option(option, result);
  }
  return result;
}

// Ids are mapped when it is said so, in the options or by saying how.
Result<void> read_bind(OciReader& object, const Options& options, OciConfig& config, Mount& mount) {
  std::string source;
  TRY(object.read("source", source));
  if (!options.data.empty())
    return base::unsupported(object.name_of("options") + ": \"" + options.data +
                             "\" means nothing for a bind mount");
  if (source.empty()) return base::invalid(object.name_of("source") + " is missing");
  BindSource bind{source, options.depth};
  auto mappings = TRY(read_id_mappings(object));
  if (mappings || options.mapped)
    bind.mapped =
        BindSource::MappedIds{std::move(mappings), options.mapped.value_or(MountDepth::kOne)};
  mount.source = config.binds.size();
  config.binds.push_back(std::move(bind));
  return {};
}

Result<void> read_new_mount(OciReader& object, const Options& options, Mount& mount) {
  constexpr char kOwn[] = "the ids of a new file system are the sandbox's already";
  (void)object.raw("source");  // a name for people
  TRY(object.refuse("uidMappings", kOwn));
  TRY(object.refuse("gidMappings", kOwn));
  if (options.mapped) return base::unsupported(object.name_of("options") + ": idmap: " + kOwn);
  mount.options = options.data;
  return {};
}

Result<void> read_mount(OciReader object, OciConfig& config) {
  std::string destination;
  std::string type;
  std::vector<std::string> options;
  TRY(object.read("destination", destination));
  TRY(object.read("type", type));
  TRY(object.read("options", options));
  const Options parsed = TRY(read_options(options, object.name_of("options")));
  Mount mount;
  mount.target = TRY(path_in_root(destination, object.name_of("destination")));
  mount.type = TRY(type_of(type, parsed.bind || type == "bind", object.name_of("type")));
  mount.attributes = parsed.attributes;
  if (parsed.copied && mount.type != Mount::Type::kTmpfs)
    return base::invalid(object.name_of("options") + ": tmpcopyup is for a tmpfs");
  if (parsed.copied) mount.content = Mount::Content::kOfTheDirectory;
  if (mount.type == Mount::Type::kBind) {
    TRY(read_bind(object, parsed, config, mount));
  } else {
    TRY(read_new_mount(object, parsed, mount));
  }
  TRY(object.finish());
  config.spec.mounts.push_back(std::move(mount));
  return {};
}

}  // namespace

Result<void> read_mounts(std::vector<OciReader> mounts, OciConfig& config) {
  for (OciReader& mount : mounts) TRY(read_mount(std::move(mount), config));
  return {};
}

}  // namespace stagebox::sandbox::oci
