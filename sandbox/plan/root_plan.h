// The part of a plan that builds the root file system. Pure.
#pragma once

#include <string_view>

#include "runtime/base/result.h"
#include "sandbox/plan/plan_writer.h"
#include "sandbox/spec/sandbox_spec.h"

namespace stagebox::sandbox {

/// In which order the steps find their descriptors: scratch, layers (top first), inputs, binds,
/// device nodes, the channel.
struct StepFds {
  explicit StepFds(const SandboxSpec& spec);
  std::int16_t scratch = 0;
  std::int16_t layers = 0;
  std::int16_t inputs = 0;
  std::int16_t binds = 0;
  std::int16_t nodes = 0;
  std::int16_t channel = 0;
};

/// How many descriptors `inputs` or `binds` of SandboxResources must be, at least.
std::size_t needed_inputs(const SandboxSpec& spec);
std::size_t needed_binds(const SandboxSpec& spec);
/// How many of its devices are nodes of their own.
std::size_t count_nodes(const SandboxSpec& spec);
/// Where programs expect shared memory (shm_overview(7)).
inline constexpr std::string_view kShm = "dev/shm";
/// Whether it is that one, whose size Limits::shm_size says.
bool is_shm(const Mount& mount);
/// What lies in a tmpfs, and is mounted after it so that it can be seen.
enum class Holding { kNothing, kInputs, kMounts };
Holding held_by(const SandboxSpec& spec, const Tmpfs& tmpfs);
/// How many file systems in memory it is given.
std::size_t count_tmpfs(const SandboxSpec& spec);
bool needs_network_channel(const SandboxSpec& spec);

/// What the root becomes once it is entered: pivot_root(2) refuses one that is shared already.
void plan_propagation(const SandboxSpec& spec, PlanWriter& plan);

/// kUnsupported for more layers than one overlay takes.
base::Result<void> plan_root(const SandboxSpec& spec, const StepFds& fds, PlanWriter& plan);

}  // namespace stagebox::sandbox
