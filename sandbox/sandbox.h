// Sandbox: one running sandbox, from its start to the death of its last process. It decides
// nothing: the spec does; and it waits for nothing but its own set-up: Supervision does.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/cgroup.h"
#include "sandbox/child/child_plan.h"
#include "sandbox/fork_server.h"
#include "sandbox/sandbox_spec.h"
#include "sandbox/syscall_observer.h"

namespace stagebox::sandbox {

/// What a spec refers to. All of it is handed over; the sandbox keeps only the cgroup.
struct SandboxResources {
  base::UniqueFd scratch;               ///< Detached mount; see Scratch::mount.
  std::vector<base::UniqueFd> layers;   ///< Detached read-only mounts, top first.
  std::vector<base::UniqueFd> inputs;   ///< Detached read-only mounts.
  base::UniqueFd proxy_channel;         ///< Unix socket; required when the spec has a proxy.
  std::array<base::UniqueFd, 3> stdio;  ///< Become descriptors 0, 1 and 2.
  IdMap ids;
  std::optional<Cgroup> cgroup;  ///< Required when the spec's limits need one.
};

/// Why there was no program to run: the image's or the command's fault, not ours.
struct ExecFailure {
  int error = 0;  ///< errno of execve(2)
  std::string command;
};

class Sandbox {
 public:
  /// Clones, sets up and executes. Returns when the command is running, or with an Error that names
  /// the step that failed; then nothing is left. A command that cannot be executed is not an Error:
  /// see exec_failure.
  static base::Result<Sandbox> start(ForkServer& server, const SandboxSpec& spec,
                                     SandboxResources resources);

  Sandbox(Sandbox&&) = default;
  Sandbox& operator=(Sandbox&&) = default;
  /// Kills what still runs, without waiting.
  ~Sandbox();

  [[nodiscard]] const std::optional<ExecFailure>& exec_failure() const { return exec_failure_; }
  /// Readable when every process of the sandbox is dead.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  /// To all processes of the sandbox, through its pid 1; SIGKILL ends it at once and for all.
  base::Result<void> signal(int signal) const;
  /// What pid 1 reported. Only when dead; empty when pid 1 was killed.
  [[nodiscard]] std::optional<child::ExitRecord> exit_record() const;
  [[nodiscard]] CgroupUsage cgroup_usage() const;
  /// Of all processes so far; zero without a cgroup.
  [[nodiscard]] std::chrono::microseconds cpu_time() const;
  /// See Cgroup::oom_event; -1 without a cgroup.
  [[nodiscard]] int oom_event() const { return cgroup_ ? cgroup_->oom_event() : -1; }
  /// Which calls the filter denied, where the spec's filter reports them. Only when dead.
  [[nodiscard]] std::vector<DeniedSyscall> denied_syscalls() const;
  /// Removes the cgroup. Only when dead.
  base::Result<void> destroy();

 private:
  Sandbox() = default;
  base::Result<void> await_exec(int report_fd, const std::vector<std::byte>& plan);
  base::Result<void> fail(const std::vector<std::byte>& plan, const child::ChildReport& report);

  base::UniqueFd pidfd_;
  base::UniqueFd exit_pipe_;
  std::optional<Cgroup> cgroup_;
  std::optional<ExecFailure> exec_failure_;
  std::unique_ptr<SyscallObserver> observer_;
};

}  // namespace stagebox::sandbox
