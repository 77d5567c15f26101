#include "sandbox/plan/process_plan.h"

#include <array>

#include "sandbox/spec/number_list.h"

namespace stagebox::sandbox {
namespace {

using child::StepKind;

void plan_rlimits(const ProcessSpec& process, PlanWriter& plan) {
  for (const Rlimit& limit : process.rlimits) {
    const std::array<std::uint64_t, 2> values{limit.soft, limit.hard};
    plan.push(StepKind::kRlimit, -1, plan.bytes(values.data(), sizeof(values)), plan.empty(),
              static_cast<std::uint64_t>(limit.resource), 0);
  }
}

void plan_scheduling(const ProcessSpec& process, PlanWriter& plan) {
  if (const auto& scheduling = process.scheduling) {
    const child::SchedulingAttributes attributes{sizeof(child::SchedulingAttributes),
                                                 scheduling->policy,
                                                 scheduling->flags,
                                                 scheduling->nice,
                                                 scheduling->priority,
                                                 scheduling->runtime,
                                                 scheduling->deadline,
                                                 scheduling->period};
    plan.push(StepKind::kScheduler, -1, plan.bytes(&attributes, sizeof(attributes)), plan.empty(),
              0, 0);
  }
  if (const auto& priority = process.io_priority) {
    constexpr unsigned kClassShift = 13;  // IOPRIO_CLASS_SHIFT of linux/ioprio.h
    plan.step(StepKind::kIoPriority,
              static_cast<std::uint64_t>(priority->level_class) << kClassShift | priority->level);
  }
  if (process.personality == Personality::kLinux32) plan.step(StepKind::kLinux32);
}

// Both were checked to be lists (check_process).
void plan_memory(const ProcessSpec& process, PlanWriter& plan) {
  if (!process.memory_policy) return;
  const auto nodes = parse_number_list(process.memory_policy->nodes);
  const NumberMask mask = nodes.ok() ? *nodes : NumberMask{};
  // The kernel takes one bit less than it is told.
  plan.push(StepKind::kMemoryPolicy, -1, plan.bytes(mask.data(), sizeof(mask)), plan.empty(),
            process.memory_policy->mode, nodes.ok() ? kMaxListed + 1 : 0);
}

void plan_user(const ProcessSpec& process, const ProcessWalls& walls, PlanWriter& plan) {
  const User& user = process.user;
  const std::uint64_t ids = static_cast<std::uint64_t>(user.uid) << 32 | user.gid;
  const bool fixed = walls.groups == SandboxSpec::Groups::kFixed;
  plan.push(StepKind::kSetUser, fixed ? std::int16_t{0} : std::int16_t{-1},
            plan.bytes(user.groups.data(), user.groups.size() * sizeof(gid_t)), plan.empty(), ids,
            user.groups.size());
  plan.step(StepKind::kUmask, user.umask);
  const CapabilitySets& sets = process.capabilities;
  const std::array<std::uint64_t, 4> kept{sets.permitted, sets.effective, sets.inheritable,
                                          sets.ambient};
  plan.push(StepKind::kDropCapabilities, -1, plan.bytes(kept.data(), sizeof(kept)), plan.empty(), 0,
            0);
}

void plan_walls(const ProcessWalls& walls, PlanWriter& plan) {
  const LandlockPolicy& landlock = walls.landlock;
  if (landlock.active()) plan.step(StepKind::kLandlock, landlock.files, landlock.scoped);
}

void plan_filter(const ProcessWalls& walls, PlanWriter& plan) {
  const auto& filter = walls.seccomp.instructions;
  plan.push(StepKind::kSeccomp, -1, plan.bytes(filter.data(), filter.size() * sizeof(sock_filter)),
            plan.empty(), filter.size(), walls.seccomp.denied == DeniedCalls::kReported ? 1 : 0);
}

}  // namespace

void plan_added(const ProcessSpec& process, PlanWriter& plan) {
  if (process.added_cpus.empty()) return;
  const auto cpus = parse_number_list(process.added_cpus);
  const NumberMask mask = cpus.ok() ? *cpus : NumberMask{};
  plan.push(StepKind::kAffinity, -1, plan.bytes(mask.data(), sizeof(mask)), plan.empty(),
            sizeof(mask), 0);
}

void plan_labels(const SecurityLabels& labels, PlanWriter& plan) {
  if (!labels.apparmor_profile.empty())
    plan.step(StepKind::kSecurityLabel, "self/attr/apparmor/exec",
              "exec " + labels.apparmor_profile);
  if (!labels.selinux_label.empty())
    plan.step(StepKind::kSecurityLabel, "self/attr/exec", labels.selinux_label);
}

void plan_terminal(const ProcessSpec& process, PlanWriter& plan) {
  if (!process.terminal) return;
  constexpr unsigned kRowsShift = 16;
  const std::uint64_t owner = static_cast<std::uint64_t>(process.user.uid) << 32 | process.user.gid;
  plan.step(
      StepKind::kOpenTerminal,
      static_cast<std::uint64_t>(process.terminal->rows) << kRowsShift | process.terminal->columns,
      owner);
}

void plan_process(const ProcessSpec& process, const ProcessWalls& walls, ExecMoment moment,
                  PlanWriter& plan) {
  const bool no_new_privileges = process.set_id_programs == SetIdPrograms::kPowerless;
  plan.step(StepKind::kNewSession);
  plan.step(StepKind::kStdio, process.terminal ? 1 : 0);
  plan_rlimits(process, plan);
  plan_scheduling(process, plan);
  plan_memory(process, plan);
  plan.step(StepKind::kCapabilityBounds, process.capabilities.bounding,
            process.capabilities.none() && no_new_privileges ? 1 : 0);
  // Without no_new_privs only a process with CAP_SYS_ADMIN may load a filter or a ruleset: then
  // that comes before the change of identity, which the filter has to allow.
  if (!no_new_privileges) {
    if (moment == ExecMoment::kWhenTold) plan.step(StepKind::kAwaitStart);
    plan_walls(walls, plan);
    plan_filter(walls, plan);
  }
  plan_user(process, walls, plan);
  plan.step(StepKind::kWorkdir, process.command.workdir);
  if (no_new_privileges) {
    plan.step(StepKind::kNoNewPrivileges);
    plan_walls(walls, plan);
    if (moment == ExecMoment::kWhenTold) plan.step(StepKind::kAwaitStart);
    plan_filter(walls, plan);
  }
  plan.step(StepKind::kExec, process.command.argv.front());
}

}  // namespace stagebox::sandbox
