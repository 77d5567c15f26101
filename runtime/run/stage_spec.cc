#include "runtime/run/stage_spec.h"

#include <sys/resource.h>

#include <algorithm>

#include "runtime/run/network_access.h"

namespace stagebox::run {
namespace {

// Enough for any build we know of, and a bound for what one process can hold of the kernel's
// memory.
constexpr std::uint64_t kOpenFiles = 16384;

}  // namespace

std::vector<sandbox::Rlimit> default_rlimits() {
  // No core files: they would carry a stage's memory, secrets included, into its outputs or the
  // host's core handler.
  struct rlimit open_files{};
  (void)::getrlimit(RLIMIT_NOFILE, &open_files);
  return {{RLIMIT_CORE, 0},
          {RLIMIT_NOFILE, std::min<std::uint64_t>(kOpenFiles, open_files.rlim_max)}};
}

sandbox::SandboxSpec make_sandbox_spec(const scheduler::Stage& stage, const StageCommand& command,
                                       const ResolvedUser& user,
                                       const std::vector<ResolvedInput>& inputs,
                                       std::shared_ptr<const sandbox::SeccompProgram> seccomp) {
  sandbox::SandboxSpec spec;
  spec.command = {command.argv, command.environment, command.workdir};
  spec.user = user.ids;
  spec.workspace = kWorkspace;
  spec.rlimits = default_rlimits();
  spec.seccomp = std::move(seccomp);
  if (!stage.network.is_none()) add_proxy_variables(spec.command.environment);
  spec.limits = {stage.resources.cpus, stage.resources.memory, stage.resources.pids,
                 stage.resources.disk};
  for (const ResolvedInput& input : inputs) {
    const bool file = input.content.kind == store::OutputKind::kFile;
    const bool overlay = input.input.mode == scheduler::InputMode::kOverlay;
    // A copy-on-write view of one file is a copy of it: see LocalStageRunner.
    if (file && overlay) continue;
    sandbox::InputMount mount;
    mount.target = std::string(kWorkspace) + "/" + input.input.at.str();
    mount.source = spec.inputs.size();
    mount.mode =
        overlay ? sandbox::InputMount::Mode::kOverlay : sandbox::InputMount::Mode::kReadOnly;
    mount.kind = file ? sandbox::InputMount::Kind::kFile : sandbox::InputMount::Kind::kDirectory;
    spec.inputs.push_back(std::move(mount));
  }
  return spec;
}

}  // namespace stagebox::run
