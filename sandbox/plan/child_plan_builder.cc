#include "sandbox/plan/child_plan_builder.h"

#include <cstring>

#include "sandbox/child/child_plan.h"
#include "sandbox/plan/plan_writer.h"
#include "sandbox/plan/root_plan.h"
#include "sandbox/plan/spec_checks.h"

namespace stagebox::sandbox {
namespace {

using child::StepKind;

// execve(2) refuses more than a quarter of the 8 MiB stack anyway.
constexpr std::size_t kMaxPlanBytes = std::size_t{8} << 20;

std::string clock_line(const char* name, const ClockOffset& offset) {
  return std::string(name) + " " + std::to_string(offset.seconds) + " " +
         std::to_string(offset.nanoseconds) + "\n";
}

void plan_user_counts(const UserCounts& counts, PlanWriter& plan) {
  plan.step(StepKind::kWriteOwnProc, "/proc/sys/user/max_inotify_instances",
            std::to_string(counts.inotify_instances));
  plan.step(StepKind::kWriteOwnProc, "/proc/sys/user/max_inotify_watches",
            std::to_string(counts.inotify_watches));
}

void plan_namespaces(const SandboxSpec& spec, const KernelFeatures& features,
                     const std::optional<UserCounts>& counts, PlanWriter& plan) {
  plan.step(StepKind::kBecomeNamespaceRoot, spec.groups == SandboxSpec::Groups::kSettable ? 1 : 0);
  if (counts) plan_user_counts(*counts, plan);
  if (spec.oom_score_adj) {
    plan.step(StepKind::kWriteOwnProc, "/proc/self/oom_score_adj",
              std::to_string(*spec.oom_score_adj));
  }
  if (spec.namespaces.cgroup == Sharing::kOwn) plan.step(StepKind::kNewCgroupNamespace);
  if (spec.namespaces.time == Sharing::kOwn && features.time_namespace) {
    plan.step(StepKind::kNewTimeNamespace,
              spec.clock_offsets ? clock_line("monotonic", spec.clock_offsets->monotonic) +
                                       clock_line("boottime", spec.clock_offsets->boottime)
                                 : std::string());
  }
  plan.step(StepKind::kMakeMountsPrivate);
}

child::Ipv4Prefix packed_prefix(const base::IpRange& range) {
  constexpr std::size_t kV4Offset = base::IpAddress::kBytes - sizeof(child::Ipv4Prefix::address);
  child::Ipv4Prefix prefix{};
  std::memcpy(prefix.address, range.first.bytes.data() + kV4Offset, sizeof(prefix.address));
  prefix.bits = static_cast<std::uint8_t>(range.prefix - kV4Offset * 8);
  return prefix;
}

void plan_unreachable(const InterfaceFromOutside& interface, PlanWriter& plan) {
  std::vector<child::Ipv4Prefix> prefixes;
  prefixes.reserve(interface.unreachable.size());
  for (const base::IpRange& range : interface.unreachable) prefixes.push_back(packed_prefix(range));
  const auto packed = plan.bytes(prefixes.data(), prefixes.size() * sizeof(child::Ipv4Prefix));
  plan.push(StepKind::kUnreachable, -1, packed, plan.empty(), prefixes.size(), 0);
}

base::Result<void> plan_settings(const SandboxSpec& spec, const StepFds& fds, PlanWriter& plan) {
  if (spec.namespaces.network == Sharing::kOwn) plan.step(StepKind::kLoopbackUp);
  if (spec.interface) plan_unreachable(*spec.interface, plan);
  if (spec.interface || spec.network_owner == NetworkOwner::kForOthers)
    plan.push(StepKind::kHandOutNamespaces, fds.channel, plan.empty(), plan.empty(), 0, 0);
  if (!spec.labels.none()) plan.step(StepKind::kOpenProc);
  for (const auto& [name, value] : spec.sysctls)
    plan.step(StepKind::kSysctl, TRY(sysctl_path(name, spec.namespaces)), value);
  if (spec.namespaces.uts == Sharing::kOwn) plan.step(StepKind::kSetHostname, spec.hostname);
  if (!spec.domainname.empty()) plan.step(StepKind::kSetDomainname, spec.domainname);
  return {};
}

base::Result<std::vector<std::byte>> finish(PlanWriter& plan, const Command& command) {
  auto bytes = plan.finish(command);
  if (bytes.size() > kMaxPlanBytes)
    return base::invalid("the command and its environment are larger than 8 MiB");
  return bytes;
}

}  // namespace

base::Result<std::vector<std::byte>> build_child_plan(const SandboxSpec& spec,
                                                      const KernelFeatures& features,
                                                      ExecMoment moment,
                                                      const std::optional<UserCounts>& counts) {
  TRY(check_spec(spec, features));
  const StepFds fds(spec);
  PlanWriter plan;
  plan_namespaces(spec, features, counts, plan);
  TRY(plan_settings(spec, fds, plan));
  TRY(plan_root(spec, fds, plan));
  if (spec.proxy) {
    plan.push(StepKind::kHandOutListener, fds.channel, plan.empty(), plan.empty(), spec.proxy->port,
              0);
  }
  plan.step(StepKind::kEnterRoot);
  plan_propagation(spec, plan);
  plan.step(StepKind::kStartStage);
  plan_labels(spec.labels, plan);
  plan_process(spec,
               {*spec.seccomp, landlock_policy(features.landlock_abi), spec.groups, spec.labels},
               moment, plan);
  return finish(plan, spec.command);
}

base::Result<std::vector<std::byte>> build_exec_plan(const ProcessSpec& process,
                                                     const ProcessWalls& walls) {
  TRY(check_process(process));
  if (!process.labels.none())
    return base::unsupported(
        "a process that is added to a sandbox has no security label of its own, but the "
        "sandbox's");
  PlanWriter plan;
  plan_added(process, plan);
  plan.step(StepKind::kBecomeNamespaceRoot, walls.groups == SandboxSpec::Groups::kSettable ? 1 : 0);
  plan.step(StepKind::kOpenEnteredRoot);
  if (!walls.labels.none()) {
    plan.push(StepKind::kOpenProc, 0, plan.empty(), plan.empty(), 0, 0);
    plan_labels(walls.labels, plan);
  }
  plan_terminal(process, plan);
  plan_process(process, walls, ExecMoment::kAtOnce, plan);
  return finish(plan, process.command);
}

}  // namespace stagebox::sandbox
