#include "sandbox/child_plan_builder.h"

#include <linux/mount.h>
#include <sys/resource.h>

#include <utility>

#include "sandbox/child/child_plan.h"
#include "sandbox/landlock_policy.h"
#include "sandbox/plan_writer.h"

namespace stagebox::sandbox {
namespace {

using child::StepKind;

constexpr std::uint64_t kNoSuidNoDev = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr std::int16_t kScratchFd = 0;
constexpr std::int16_t kFirstLayerFd = 1;
// execve(2) refuses more than a quarter of the 8 MiB stack anyway.
constexpr std::size_t kMaxPlanBytes = std::size_t{8} << 20;
// mount(2) passes one page of options.
constexpr std::size_t kMaxOverlayOptions = 4095;

std::string overlay_options(const std::string& lower, const std::string& upper_parent) {
  // volatile: what is written to the upper directory is thrown away, so nobody needs it synced.
  return "lowerdir=" + lower + ",upperdir=" + upper_parent + "/upper,workdir=" + upper_parent +
         "/work,userxattr,volatile";
}

base::Result<void> plan_root(const SandboxSpec& spec, PlanWriter& plan) {
  plan.step(StepKind::kMountStaging);
  plan.fd_step(StepKind::kAttachStaging, kScratchFd, "s");
  std::string lower;
  for (std::size_t i = 0; i < spec.layers; ++i) {
    const std::string name = std::to_string(i);
    plan.fd_step(StepKind::kAttachStaging, static_cast<std::int16_t>(kFirstLayerFd + i), name);
    lower += (i == 0 ? "" : ":") + name;
  }
  const std::string options = overlay_options(lower, "s");
  if (options.size() > kMaxOverlayOptions) {
    return base::unsupported("the image has " + std::to_string(spec.layers) +
                             " layers, more than one overlay mount can take; flatten the image");
  }
  plan.step(StepKind::kMountOverlay, "root", options);
  plan.step(StepKind::kOpenRoot, std::string("root"));
  return {};
}

void plan_devices(PlanWriter& plan) {
  plan.step(StepKind::kMountTmpfs, "dev", "mode=0755,size=64k,nr_inodes=64",
            MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
    plan.step(StepKind::kBindDevice, std::string("dev/") + name, std::string("/dev/") + name);
  }
  plan.step(StepKind::kMountDevpts, "dev/pts", "newinstance,ptmxmode=0666,mode=0620");
  plan.step(StepKind::kMountTmpfs, "dev/shm", "mode=1777,size=64m,nr_inodes=16384", kNoSuidNoDev);
  const std::pair<const char*, const char*> links[] = {{"dev/ptmx", "pts/ptmx"},
                                                       {"dev/fd", "/proc/self/fd"},
                                                       {"dev/stdin", "/proc/self/fd/0"},
                                                       {"dev/stdout", "/proc/self/fd/1"},
                                                       {"dev/stderr", "/proc/self/fd/2"}};
  for (const auto& [link, content] : links) plan.step(StepKind::kSymlink, link, content);
}

void plan_proc(PlanWriter& plan) {
  // Read-only: no kernel setting can be written through it, whatever ids and namespaces allow.
  plan.step(StepKind::kMountProc, "proc", "", kNoSuidNoDev | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
  for (const char* name : {"kcore", "keys", "key-users", "kmsg", "kallsyms", "latency_stats",
                           "sched_debug", "timer_list", "sysrq-trigger", "interrupts"}) {
    plan.step(StepKind::kMaskProcFile, std::string(name));
  }
  for (const char* name : {"acpi", "scsi", "bus", "irq"}) {
    plan.step(StepKind::kMaskProcDir, std::string(name));
  }
}

void plan_inputs(const SandboxSpec& spec, PlanWriter& plan) {
  std::size_t overlays = 0;
  for (const InputMount& input : spec.inputs) {
    const auto fd = static_cast<std::int16_t>(kFirstLayerFd + spec.layers + input.source);
    if (input.mode == InputMount::Mode::kOverlay) {
      const std::string name = std::to_string(overlays++);
      plan.fd_step(StepKind::kAttachStaging, fd, "i" + name);
      plan.step(StepKind::kMountOverlay, "o" + name,
                overlay_options("i" + name, "s/overlay" + name));
      plan.step(StepKind::kBindStaging, input.target, "o" + name);
    } else if (input.kind == InputMount::Kind::kFile) {
      plan.fd_step(StepKind::kAttachRootFile, fd, input.target);
    } else {
      plan.fd_step(StepKind::kAttachRoot, fd, input.target);
    }
  }
}

void plan_root_contents(const SandboxSpec& spec, PlanWriter& plan) {
  plan_devices(plan);
  plan_proc(plan);
  plan.step(StepKind::kBindStaging, "tmp", "s/tmp", kNoSuidNoDev);
  plan.step(StepKind::kWriteFile, "etc/hosts",
            "127.0.0.1 localhost " + spec.hostname + "\n::1 localhost ip6-localhost\n");
  if (!spec.workspace.empty()) {
    plan.step(StepKind::kBindStaging, spec.workspace, "s/workspace", kNoSuidNoDev);
  }
  plan_inputs(spec, plan);
}

void plan_stage_process(const SandboxSpec& spec, const KernelFeatures& features, PlanWriter& plan) {
  plan.step(StepKind::kNewSession);
  plan.step(StepKind::kStdio);
  for (const Rlimit& limit : spec.rlimits) {
    plan.step(StepKind::kRlimit, static_cast<std::uint64_t>(limit.resource), limit.value);
  }
  plan.step(StepKind::kCapabilityBounds, spec.capabilities);
  const std::uint64_t ids = static_cast<std::uint64_t>(spec.user.uid) << 32 | spec.user.gid;
  const bool fixed = spec.groups == SandboxSpec::Groups::kFixed;
  plan.push(StepKind::kSetUser, fixed ? std::int16_t{0} : std::int16_t{-1},
            plan.bytes(spec.user.groups.data(), spec.user.groups.size() * sizeof(gid_t)),
            plan.empty(), ids, spec.user.groups.size());
  plan.step(StepKind::kDropCapabilities, spec.capabilities);
  plan.step(StepKind::kWorkdir, spec.command.workdir);
  plan.step(StepKind::kNoNewPrivileges);
  const LandlockPolicy landlock = landlock_policy(features.landlock_abi);
  if (landlock.active()) plan.step(StepKind::kLandlock, landlock.files, landlock.scoped);
  const auto& filter = spec.seccomp->instructions;
  plan.push(StepKind::kSeccomp, -1, plan.bytes(filter.data(), filter.size() * sizeof(sock_filter)),
            plan.empty(), filter.size(), spec.seccomp->denied == DeniedCalls::kReported ? 1 : 0);
  plan.step(StepKind::kExec, spec.command.argv.front());
}

base::Result<void> check(const SandboxSpec& spec) {
  if (spec.command.argv.empty() || spec.command.argv.front().empty()) {
    return base::invalid("there is no command to run");
  }
  if (spec.layers == 0) return base::invalid("the image has no layers");
  if (spec.seccomp == nullptr || spec.seccomp->instructions.empty()) {
    return base::unsupported("a sandbox without a system call filter is not started");
  }
  // setresuid(2) and setresgid(2) take -1 for "leave it as it is": the stage would stay root.
  constexpr std::uint32_t kUnchanged = ~std::uint32_t{0};
  if (spec.user.uid == kUnchanged || spec.user.gid == kUnchanged) {
    return base::invalid("4294967295 is not an id that a process can have");
  }
  if (!spec.command.workdir.starts_with('/')) {
    return base::invalid("the working directory \"" + spec.command.workdir + "\" is not absolute");
  }
  return {};
}

}  // namespace

base::Result<std::vector<std::byte>> build_child_plan(const SandboxSpec& spec,
                                                      const KernelFeatures& features) {
  TRY(check(spec));
  PlanWriter plan;
  plan.step(StepKind::kBecomeNamespaceRoot, spec.groups == SandboxSpec::Groups::kSettable ? 1 : 0);
  plan.step(StepKind::kNewCgroupNamespace);
  if (features.time_namespace) plan.step(StepKind::kNewTimeNamespace);
  plan.step(StepKind::kMakeMountsPrivate);
  TRY(plan_root(spec, plan));
  plan_root_contents(spec, plan);
  plan.step(StepKind::kLoopbackUp);
  if (spec.proxy) {
    const std::size_t channel = kFirstLayerFd + spec.layers + spec.inputs.size();
    plan.push(StepKind::kHandOutListener, static_cast<std::int16_t>(channel), plan.empty(),
              plan.empty(), spec.proxy->port, 0);
  }
  plan.step(StepKind::kSetHostname, spec.hostname);
  plan.step(StepKind::kEnterRoot);
  plan.step(StepKind::kStartStage);
  plan_stage_process(spec, features, plan);
  auto bytes = plan.finish(spec.command);
  if (bytes.size() > kMaxPlanBytes) {
    return base::invalid("the command and its environment are larger than 8 MiB");
  }
  return bytes;
}

}  // namespace stagebox::sandbox
