#include <sched.h>

#include <array>
#include <string_view>
#include <utility>

#include "runtime/base/capabilities.h"
#include "sandbox/oci/oci_parts.h"
#include "sandbox/oci/oci_reader.h"
#include "sandbox/spec/rlimit_names.h"

namespace stagebox::sandbox::oci {
namespace {

using base::Result;

// "RLIMIT_NOFILE"
Result<int> resource_of(const std::string& type, const std::string& where) {
  constexpr std::string_view kPrefix = "RLIMIT_";
  const auto resource =
      type.starts_with(kPrefix) ? rlimit_by_name(type.substr(kPrefix.size())) : std::nullopt;
  if (!resource) return base::invalid(where + ": \"" + type + "\" is not known");
  return *resource;
}

constexpr std::array<std::pair<const char*, std::uint32_t>, 6> kPolicies{
    {{"SCHED_OTHER", SCHED_OTHER},
     {"SCHED_FIFO", SCHED_FIFO},
     {"SCHED_RR", SCHED_RR},
     {"SCHED_BATCH", SCHED_BATCH},
     {"SCHED_IDLE", SCHED_IDLE},
     {"SCHED_DEADLINE", 6}}};

// linux/sched.h, SCHED_FLAG_*
constexpr std::array<std::pair<const char*, std::uint64_t>, 7> kPolicyFlags{
    {{"SCHED_FLAG_RESET_ON_FORK", 0x01},
     {"SCHED_FLAG_RECLAIM", 0x02},
     {"SCHED_FLAG_DL_OVERRUN", 0x04},
     {"SCHED_FLAG_KEEP_POLICY", 0x08},
     {"SCHED_FLAG_KEEP_PARAMS", 0x10},
     {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
     {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}}};

constexpr std::array<std::pair<const char*, IoPriority::Class>, 3> kIoClasses{
    {{"IOPRIO_CLASS_RT", IoPriority::Class::kRealTime},
     {"IOPRIO_CLASS_BE", IoPriority::Class::kBestEffort},
     {"IOPRIO_CLASS_IDLE", IoPriority::Class::kIdle}}};

Result<void> read_command(OciReader& process, Command& command) {
  TRY(process.read("args", command.argv));
  if (command.argv.empty()) return base::invalid("process.args is missing or empty");
  TRY(process.read("cwd", command.workdir));
  std::vector<std::string> environment;
  TRY(process.read("env", environment));
  for (const std::string& variable : environment) {
    const std::size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos)
      return base::invalid("process.env: \"" + variable + "\" is not NAME=VALUE");
    command.environment[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  return process.refuse("commandLine", "is for Windows");
}

Result<void> read_user(OciReader& process, User& user) {
  auto object = TRY(process.child("user"));
  if (!object) return {};
  TRY(object->read("uid", user.uid));
  TRY(object->read("gid", user.gid));
  TRY(object->read("umask", user.umask));
  if (user.umask > 0777) return base::invalid("process.user.umask is above 0777");
  if (const Json* groups = object->raw("additionalGids")) {
    if (!groups->is_array()) return base::invalid("process.user.additionalGids: expected an array");
    for (const Json& group : *groups) {
      if (!group.is_number_unsigned() || group.get<std::uint64_t>() > 0xfffffffe)
        return base::invalid("process.user.additionalGids: expected ids");
      user.groups.push_back(group.get<gid_t>());
    }
  }
  TRY(object->refuse("username", "is for Windows"));
  return object->finish();
}

Result<std::uint64_t> read_set(OciReader& capabilities, const char* key) {
  std::vector<std::string> names;
  TRY(capabilities.read(key, names));
  std::uint64_t bits = 0;
  for (const std::string& name : names) {
    const auto bit = base::capability_bit(name);
    if (!bit)
      return base::unsupported("process.capabilities." + std::string(key) + ": \"" + name +
                               "\" is not a capability");
    bits |= *bit;
  }
  return bits;
}

Result<void> read_capabilities(OciReader& process, CapabilitySets& sets) {
  auto object = TRY(process.child("capabilities"));
  if (!object) return {};
  sets.bounding = TRY(read_set(*object, "bounding"));
  sets.permitted = TRY(read_set(*object, "permitted"));
  sets.effective = TRY(read_set(*object, "effective"));
  sets.inheritable = TRY(read_set(*object, "inheritable"));
  sets.ambient = TRY(read_set(*object, "ambient"));
  // A warning's worth to the specification: the kernel cannot give one of a set without the sets
  // that it is part of, and bundles ask for it all the same.
  sets.inheritable &= sets.bounding;
  sets.effective &= sets.permitted;
  sets.ambient &= sets.permitted & sets.inheritable;
  return object->finish();
}

Result<void> read_rlimits(OciReader& process, std::vector<Rlimit>& rlimits) {
  std::set<std::string> seen;
  auto items = TRY(process.children("rlimits"));
  for (OciReader& object : items) {
    std::string type;
    Rlimit limit;
    TRY(object.read("type", type));
    TRY(object.read("soft", limit.soft));
    TRY(object.read("hard", limit.hard));
    limit.resource = TRY(resource_of(type, object.name_of("type")));
    if (!seen.insert(type).second)
      return base::invalid(object.name_of("type") + ": \"" + type + "\" is there twice");
    TRY(object.finish());
    rlimits.push_back(limit);
  }
  return {};
}

Result<void> read_scheduler(OciReader& process, ProcessSpec& spec) {
  auto object = TRY(process.child("scheduler"));
  if (!object) return {};
  CpuScheduling scheduling;
  std::string policy;
  std::vector<std::string> flags;
  TRY(object->read("policy", policy));
  TRY(object->read("nice", scheduling.nice));
  TRY(object->read("priority", scheduling.priority));
  TRY(object->read("flags", flags));
  TRY(object->read("runtime", scheduling.runtime));
  TRY(object->read("deadline", scheduling.deadline));
  TRY(object->read("period", scheduling.period));
  TRY(object->finish());
  scheduling.policy = TRY(look_up(kPolicies, policy, object->name_of("policy")));
  for (const std::string& flag : flags)
    scheduling.flags |= TRY(look_up(kPolicyFlags, flag, object->name_of("flags")));
  spec.scheduling = scheduling;
  return {};
}

Result<void> read_io_priority(OciReader& process, ProcessSpec& spec) {
  auto object = TRY(process.child("ioPriority"));
  if (!object) return {};
  IoPriority priority;
  std::string name;
  TRY(object->read("class", name));
  TRY(object->read("priority", priority.level));
  TRY(object->finish());
  if (priority.level > 7) return base::invalid("process.ioPriority.priority is above 7");
  priority.level_class = TRY(look_up(kIoClasses, name, object->name_of("class")));
  spec.io_priority = priority;
  return {};
}

// Not of the first process (config.md, "Linux Process"). Nothing of ours runs outside of the
// sandbox's cgroup on the way to a process that is added.
Result<void> read_exec_affinity(OciReader& process, ProcessSpec& spec) {
  auto object = TRY(process.child("execCPUAffinity"));
  if (!object) return {};
  TRY(object->refuse("initial", "a process is added from within the sandbox's cgroup; say final"));
  TRY(read_number_list(*object, "final", spec.added_cpus));
  return object->finish();
}

Result<void> read_terminal(OciReader& process, ProcessSpec& spec) {
  bool wanted = false;
  Terminal terminal;
  TRY(process.read("terminal", wanted));
  if (auto size = TRY(process.child("consoleSize"))) {
    TRY(size->read("height", terminal.rows));
    TRY(size->read("width", terminal.columns));
    TRY(size->finish());
  }
  if (wanted) spec.terminal = terminal;
  return {};
}

}  // namespace

Result<void> read_process(OciReader process, ProcessSpec& spec, std::optional<int>& oom_score_adj) {
  TRY(read_command(process, spec.command));
  TRY(read_user(process, spec.user));
  TRY(read_capabilities(process, spec.capabilities));
  TRY(read_rlimits(process, spec.rlimits));
  TRY(read_scheduler(process, spec));
  TRY(read_io_priority(process, spec));
  TRY(read_terminal(process, spec));
  bool no_new_privileges = false;
  TRY(process.read("noNewPrivileges", no_new_privileges));
  spec.set_id_programs = no_new_privileges ? SetIdPrograms::kPowerless : SetIdPrograms::kHonoured;
  TRY(process.read("oomScoreAdj", oom_score_adj));
  TRY(process.read("apparmorProfile", spec.labels.apparmor_profile));
  TRY(process.read("selinuxLabel", spec.labels.selinux_label));
  TRY(read_exec_affinity(process, spec));
  return process.finish();
}

}  // namespace stagebox::sandbox::oci
