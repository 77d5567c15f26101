// ForkServer: the small single-threaded process from which all sandboxes are cloned, so that a
// clone costs the same however large and threaded the rest is. It is started before anything else
// and dies with the process that started it, and all sandboxes with it. It is a static program of
// its own, executed from a sealed memory file: what a sandbox could reach through /proc/PID/exe
// (its pid 1 is a clone of the server) cannot be written to, holds no secret, and loads no library.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/id_map.h"

namespace stagebox::sandbox {

class ForkServer {
 public:
  /// Starts the server, after HostIds::acquire, whose namespaces it inherits. From then on this
  /// process is not dumpable. kUnsupported where memory files cannot be executed.
  static base::Result<std::unique_ptr<ForkServer>> start();
  /// Ends the server, which kills what is still running, and waits for it.
  ~ForkServer();
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;

  struct Request {
    std::span<const std::byte> plan;  ///< From build_child_plan.
    std::vector<int> step_fds;        ///< What the plan's steps refer to, in order.
    std::array<int, 3> stdio{-1, -1, -1};
    int report_fd = -1;             ///< Write end for child::ChildReport.
    int exit_fd = -1;               ///< Write end for child::ExitRecord.
    int cgroup_dir = -1;            ///< v2, or -1.
    std::vector<int> cgroup_procs;  ///< v1
    IdMap ids;
    bool deny_setgroups = false;  ///< Required by the kernel for a single unprivileged id.
  };
  /// Clones pid 1 of a sandbox and lets it run its plan. The caller keeps its descriptors. Returns
  /// a pidfd, readable when the last process of the sandbox is dead. Thread-safe.
  base::Result<base::UniqueFd> clone_sandbox(const Request& request);

 private:
  ForkServer(pid_t pid, base::UniqueFd socket) : pid_(pid), socket_(std::move(socket)) {}

  pid_t pid_;
  base::UniqueFd socket_;
};

}  // namespace stagebox::sandbox
