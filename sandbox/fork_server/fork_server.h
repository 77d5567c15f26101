// ForkServer: the small single-threaded process from which all sandboxes are cloned, so that a
// clone costs the same however large and threaded the rest is. It is started for the first of them
// and dies with the process that started it, and all sandboxes with it. It is a static program of
// its own, executed from a sealed memory file: what a sandbox could reach through /proc/PID/exe
// (its pid 1 is a clone of the server) cannot be written to, holds no secret, and loads no library.
#pragma once

#include <sys/types.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/spec/namespace_spec.h"

namespace stagebox::sandbox {

struct StartRequest;

class ForkServer {
 public:
  /// After HostIds::acquire, whose namespaces the server inherits. From then on this process is not
  /// dumpable. The server's process is started by the first call that needs it, with this thread's
  /// signal mask of now: many a command finds that it has nothing to run.
  static base::Result<std::unique_ptr<ForkServer>> start();
  /// Tells the server to end, which kills what is still running.
  void end() { socket_.reset(); }
  /// The same, and waits for it.
  ~ForkServer();
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;

  /// What both ways of starting a process need.
  struct Process {
    std::span<const std::byte> plan;
    std::vector<int> step_fds;  ///< What the plan's steps refer to, in order.
    std::array<int, 3> stdio{-1, -1, -1};
    int report_fd = -1;             ///< Socket for child::ChildReport.
    int exit_fd = -1;               ///< Write end for child::ExitRecord.
    int cgroup_dir = -1;            ///< v2, or -1.
    std::vector<int> cgroup_tasks;  ///< v1
    Namespaces namespaces;
  };
  struct Request {
    Process process;
    IdMappings ids;
    /// One for each Sharing::kGiven and kWithSandbox: those to be in.
    std::vector<int> entered_namespaces;
    std::optional<std::uint32_t> creator = {};  ///< IdMap::creator
    bool deny_setgroups = false;  ///< Required by the kernel for a single unprivileged id.
  };
  /// A sandbox, for join().
  struct SandboxId {
    std::uint64_t server = 0;  ///< Servers that were killed before, when it was cloned.
    std::uint64_t number = 0;  ///< The server's.
  };
  struct Cloned {
    base::UniqueFd pidfd;
    SandboxId sandbox;
  };
  /// Clones pid 1 of a sandbox and lets it run its plan (build_child_plan). The caller keeps its
  /// descriptors. The pidfd is readable when the last process of the sandbox is dead. Thread-safe.
  /// kUnsupported where memory files cannot be executed. Starts the server anew when it was killed,
  /// and its sandboxes with it.
  base::Result<Cloned> clone_sandbox(const Request& request);
  /// Adds a process to a sandbox that lives (build_exec_plan), in its namespaces and, by the
  /// request, in its cgroup. Returns its pidfd. Thread-safe.
  base::Result<base::UniqueFd> join(const SandboxId& sandbox, const Process& process);

 private:
  struct Reply {
    base::UniqueFd pidfd;
    std::uint64_t number = 0;
  };
  base::Result<Reply> ask(int socket, StartRequest& start, const Process& process,
                          std::span<const int> entered_namespaces = {});

  /// A server that runs.
  struct Server {
    int socket = -1;  ///< Open as long as the ForkServer lives.
    std::uint64_t killed_before = 0;
  };
  base::Result<Server> running();
  /// The same, when the one that is given takes nothing any more.
  base::Result<Server> running_instead_of(const Server& dead);

  explicit ForkServer(const sigset_t& signals) : signals_(signals) {}

  sigset_t signals_;
  std::mutex starting_;
  pid_t pid_ = -1;  ///< Of the server, once it runs.
  base::UniqueFd socket_;
  /// Of those that were killed: some thread may still be about to use one.
  std::vector<base::UniqueFd> dead_sockets_;
};

}  // namespace stagebox::sandbox
