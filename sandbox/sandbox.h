// Sandbox: one sandbox, from its creation to the death of its last process. It decides
// nothing: the spec does; and it waits for nothing but its own set-up: Supervision does.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/cgroup/cgroup.h"
#include "sandbox/child/child_plan.h"
#include "sandbox/exec_report.h"
#include "sandbox/fork_server/fork_server.h"
#include "sandbox/held_tmpfs.h"
#include "sandbox/ids/id_map.h"
#include "sandbox/plan/process_plan.h"
#include "sandbox/sandbox_process.h"
#include "sandbox/spec/sandbox_spec.h"
#include "sandbox/syscall_observer.h"

namespace stagebox::sandbox {

/// For each Sharing::kGiven of a spec: the namespace to be in.
struct GivenNamespaces {
  base::UniqueFd network;
  base::UniqueFd ipc;
  base::UniqueFd uts;
  base::UniqueFd cgroup;
  base::UniqueFd time;
};

/// What a spec refers to. All of it is handed over; the sandbox keeps only the cgroup.
struct SandboxResources {
  base::UniqueFd scratch;              ///< Detached mount; see Scratch::mount.
  std::vector<base::UniqueFd> layers;  ///< Detached read-only mounts, top first.
  std::vector<base::UniqueFd> inputs;  ///< Detached read-only mounts.
  std::vector<base::UniqueFd> binds;   ///< Detached mounts.
  /// Unix socket; required when the spec has a proxy or an interface from outside, or lets others
  /// share its network.
  base::UniqueFd network_channel;
  /// For Sharing::kWithSandbox: what a spec with NetworkOwner::kForOthers handed out.
  base::UniqueFd network_namespace;
  GivenNamespaces namespaces;
  std::array<base::UniqueFd, 3> stdio;  ///< Become descriptors 0, 1 and 2.
  IdMap ids;
  std::optional<Cgroup> cgroup;  ///< Required when the spec's limits need one.
};

class Sandbox {
 public:
  enum class State {
    kCreated,  ///< Complete but for its filter; its process waits for start().
    kRunning,
    kStopped,  ///< Every process is dead. The cgroup is there until destroy().
  };

  /// Clones and sets up; the process waits just before its exec. Returns when it does, or with an
  /// Error that names the step that failed; then nothing is left.
  static base::Result<Sandbox> create(ForkServer& server, const SandboxSpec& spec,
                                      SandboxResources resources);
  /// Lets a created sandbox execute its command. Returns when the command is running; a command
  /// that cannot be executed is not an Error: see exec_failure.
  base::Result<void> start();
  /// Both at once, without the wait between them.
  static base::Result<Sandbox> start(ForkServer& server, const SandboxSpec& spec,
                                     SandboxResources resources);

  Sandbox(Sandbox&&) = default;
  Sandbox& operator=(Sandbox&&) = default;
  /// Kills what still runs, without waiting.
  ~Sandbox();

  /// Adds a process to a running sandbox: same namespaces, cgroup, filter, Landlock rules and
  /// security labels, and what `process` says of itself. It dies with the sandbox. The same Errors
  /// as start().
  base::Result<SandboxProcess> exec(ForkServer& server, const ProcessSpec& process,
                                    const std::array<base::UniqueFd, 3>& stdio) const;

  [[nodiscard]] State state() const;
  [[nodiscard]] const std::optional<ExecFailure>& exec_failure() const { return exec_failure_; }
  /// The outer end of the spec's terminal. Reading it fails with EIO when nobody inside has the
  /// other one open any more. Once.
  base::UniqueFd take_terminal() { return std::move(terminal_); }
  /// The file systems in memory that the spec gives it, until destroy().
  [[nodiscard]] std::span<const HeldTmpfs> tmpfs() const { return tmpfs_; }
  /// Readable when every process of the sandbox is dead.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  /// To all processes of the sandbox, through its pid 1; SIGKILL ends it at once and for all.
  base::Result<void> signal(int signal) const;
  /// What pid 1 reported. Only when dead; empty when pid 1 was killed.
  [[nodiscard]] std::optional<child::ExitRecord> exit_record() const;
  [[nodiscard]] CgroupUsage cgroup_usage();
  /// Of all processes so far; zero without a cgroup.
  [[nodiscard]] std::chrono::microseconds cpu_time() const;
  /// See Cgroup::oom_event; -1 without a cgroup.
  [[nodiscard]] int oom_event() const { return cgroup_ ? cgroup_->oom_event() : -1; }
  /// Which calls the filter denied, where the spec's filter reports them. Only when dead.
  [[nodiscard]] std::vector<DeniedSyscall> denied_syscalls() const;
  enum class Removal {
    kOfDead,   ///< kInvalid while a process lives.
    kByForce,  ///< Kills what lives, and waits for it.
  };
  /// Lets go of what is in memory, and removes the cgroup.
  base::Result<void> destroy(Removal removal = Removal::kOfDead);

 private:
  Sandbox() = default;
  static base::Result<Sandbox> clone(ForkServer& server, const SandboxSpec& spec,
                                     SandboxResources resources, ExecMoment moment);
  base::Result<ExecReport::Next> await_report();

  base::UniqueFd pidfd_;
  base::UniqueFd exit_pipe_;
  std::optional<Cgroup> cgroup_;
  std::optional<ExecFailure> exec_failure_;
  std::unique_ptr<SyscallObserver> observer_;
  base::UniqueFd terminal_;
  std::vector<HeldTmpfs> tmpfs_;
  std::unique_ptr<ExecReport> report_;  ///< Until the command is running.
  ForkServer::SandboxId id_;
  /// What exec() needs of the spec.
  Namespaces namespaces_;
  IdMappings mappings_;
  SandboxSpec::Groups groups_ = SandboxSpec::Groups::kSettable;
  std::shared_ptr<const SeccompProgram> seccomp_;
  SecurityLabels labels_;
};

}  // namespace stagebox::sandbox
