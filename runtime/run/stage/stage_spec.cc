#include "runtime/run/stage/stage_spec.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>

#include "runtime/run/stage/stage_services.h"

namespace stagebox::run {
namespace {

// Or what we were started with, if that is less: nobody can give more.
sandbox::Rlimit at_most(int resource, std::uint64_t most) {
  struct rlimit own{};
  const bool known = ::getrlimit(static_cast<__rlimit_resource_t>(resource), &own) == 0;
  const std::uint64_t limit = known ? std::min<std::uint64_t>(own.rlim_max, most) : most;
  return {resource, limit, limit};
}

}  // namespace

std::vector<sandbox::Rlimit> default_rlimits() {
  // No cores: they would carry a stage's memory, secrets included, into its outputs or to the
  // host's core handler. To a handler (a core_pattern that is a pipe) no limit applies, so 0 does
  // not keep a core from it; but a process with 1 is taken for a handler that crashed itself, and
  // never dumped. As a size 1 is nothing as well: less than the smallest core (fs/coredump.c). A
  // stage that lowers its own limit to 0 gives that away, for itself.
  const sandbox::Rlimit cores = at_most(RLIMIT_CORE, 1);
  // Queued signals with timers, and bytes of message queues, count for the user who runs Stagebox
  // as well: one sandbox must not take all that he may have. These are a part of what kernels give
  // a user, and more than programs use.
  constexpr std::uint64_t kSignals = 4096;
  constexpr std::uint64_t kQueueBytes = std::uint64_t{400} << 10U;
  return {cores, at_most(RLIMIT_SIGPENDING, kSignals), at_most(RLIMIT_MSGQUEUE, kQueueBytes)};
}

sandbox::Limits make_limits(const scheduler::Resources& resources) {
  sandbox::Limits limits;
  limits.cpus = resources.cpus;
  limits.cpu_weight = resources.cpu_weight;
  limits.cpuset = resources.cpuset;
  limits.memory = resources.memory;
  limits.shm_size = resources.shm_size;
  limits.pids = resources.pids;
  limits.disk = resources.disk;
  limits.inodes = resources.inodes;
  limits.io_read = resources.io_read;
  limits.io_write = resources.io_write;
  limits.open_files = resources.open_files;
  limits.cpu_time = resources.cpu_time;
  limits.log = resources.log;
  return limits;
}

namespace {

// What stages and services have in common.
sandbox::SandboxSpec common_spec(const scheduler::Stage& stage, const StageCommand& command,
                                 const ResolvedUser& user, std::vector<sandbox::Rlimit> rlimits,
                                 std::shared_ptr<const sandbox::SeccompProgram> seccomp) {
  sandbox::SandboxSpec spec;
  spec.command = {command.argv, command.environment, command.workdir};
  spec.user = user.ids;
  spec.workspace = kWorkspace;
  spec.rlimits = std::move(rlimits);
  spec.seccomp = std::move(seccomp);
  spec.host_names = service_names(stage);
  return spec;
}

}  // namespace

StageSpec make_sandbox_spec(const scheduler::Stage& stage, const StageCommand& command,
                            const ResolvedUser& user, const std::vector<ResolvedInput>& inputs,
                            std::vector<sandbox::Rlimit> rlimits,
                            std::shared_ptr<const sandbox::SeccompProgram> seccomp) {
  StageSpec spec;
  spec.sandbox = common_spec(stage, command, user, std::move(rlimits), std::move(seccomp));
  spec.sandbox.limits = make_limits(stage.resources);
  spec.sandbox.capabilities = sandbox::CapabilitySets::kept(stage.capabilities);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool file = inputs[i].content.kind == store::OutputKind::kFile;
    const bool overlay = inputs[i].input.mode == scheduler::InputMode::kOverlay;
    // A copy-on-write view of one file is a copy of it: copy_overlay_files().
    if (file && overlay) continue;
    sandbox::InputMount mount;
    const base::RelativePath& at = inputs[i].input.at;
    mount.target = at.is_self() ? kWorkspace : std::string(kWorkspace) + "/" + at.str();
    mount.source = spec.mounted.size();
    mount.mode =
        overlay ? sandbox::InputMount::Mode::kOverlay : sandbox::InputMount::Mode::kReadOnly;
    mount.kind = file ? sandbox::InputMount::Kind::kFile : sandbox::InputMount::Kind::kDirectory;
    spec.sandbox.inputs.push_back(std::move(mount));
    spec.mounted.push_back(i);
  }
  return spec;
}

sandbox::SandboxSpec make_service_spec(const scheduler::Stage& stage,
                                       const scheduler::Service& service,
                                       const StageCommand& command, const ResolvedUser& user,
                                       std::vector<sandbox::Rlimit> rlimits,
                                       std::shared_ptr<const sandbox::SeccompProgram> seccomp) {
  sandbox::SandboxSpec spec =
      common_spec(stage, command, user, std::move(rlimits), std::move(seccomp));
  spec.limits = make_limits(service.resources);
  return spec;
}

}  // namespace stagebox::run
