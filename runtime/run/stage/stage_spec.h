// The SandboxSpec of a stage: pure, and golden-tested, because it decides what untrusted code may
// do.
#pragma once

#include "runtime/run/stage/image_user.h"
#include "runtime/run/stage/stage_command.h"
#include "runtime/run/stage/stage_inputs.h"
#include "sandbox/spec/sandbox_spec.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// Resource limits that every sandbox gets, by rlimit; the launcher adds that of open files.
std::vector<sandbox::Rlimit> default_rlimits();

sandbox::Limits make_limits(const scheduler::Resources& resources);

/// The spec, and which of `inputs` are mounted: `mounted[i]` is the position in `inputs` of what
/// spec.inputs means by source i.
struct StageSpec {
  sandbox::SandboxSpec sandbox;
  std::vector<std::size_t> mounted;
};

StageSpec make_sandbox_spec(const scheduler::Stage& stage, const StageCommand& command,
                            const ResolvedUser& user, const std::vector<ResolvedInput>& inputs,
                            std::vector<sandbox::Rlimit> rlimits,
                            std::shared_ptr<const sandbox::SeccompProgram> seccomp);

/// The same of a service of `stage`. It has no inputs, and a workspace of its own.
sandbox::SandboxSpec make_service_spec(const scheduler::Stage& stage,
                                       const scheduler::Service& service,
                                       const StageCommand& command, const ResolvedUser& user,
                                       std::vector<sandbox::Rlimit> rlimits,
                                       std::shared_ptr<const sandbox::SeccompProgram> seccomp);

}  // namespace stagebox::run
