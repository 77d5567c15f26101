// The SandboxSpec of a stage: pure, and golden-tested, because it decides what untrusted code may
// do.
#pragma once

#include "runtime/run/image_user.h"
#include "runtime/run/stage_command.h"
#include "runtime/run/stage_inputs.h"
#include "sandbox/sandbox_spec.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// Resource limits that every sandbox gets, by rlimit.
std::vector<sandbox::Rlimit> default_rlimits();

sandbox::SandboxSpec make_sandbox_spec(const scheduler::Stage& stage, const StageCommand& command,
                                       const ResolvedUser& user,
                                       const std::vector<ResolvedInput>& inputs,
                                       std::shared_ptr<const sandbox::SeccompProgram> seccomp);

}  // namespace stagebox::run
