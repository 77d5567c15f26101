// WorkerServer: runs a task of ours that reads hostile bytes in a process that has nothing to lose:
// root of a user namespace at most, no network, no view of any file but the descriptors it was
// given, an allow-list of system calls, limits on memory and time. It does not know what the task
// is: a function that was given at the start, and some bytes.
//
// The server is a fork of this program, made while there is one thread, from which workers are
// forked; it dies with us, and the workers with it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox {

/// What a worker has. The request's bytes are as long as they were sent.
struct WorkerInput {
  int socket = -1;  ///< SOCK_SEQPACKET to whoever started the worker; read(2) and write(2) only.
  std::span<const std::byte> request;
  std::span<const base::UniqueFd> fds;
};
/// Runs in the worker, which ends when it returns. It may start threads.
using WorkerMain = void (*)(const WorkerInput& input);

/// How the only message begins that does not come from the task.
inline constexpr char kWorkerRefusal = '!';

/// Who ended a worker that says nothing any more.
enum class WorkerEnd {
  kItself,  ///< What it was given to read made it end, or reach a limit, or be silent.
  kOthers,  ///< Somebody killed it, or the kernel did where memory ran out.
};

/// A worker, dead or alive.
class Worker {
 public:
  [[nodiscard]] int socket() const { return socket_.get(); }
  /// Thread-safe. Whatever the worker is doing, it does not go on.
  void kill() const;
  /// Before kill(). Waits a while for its end: one that was killed is not long silent.
  [[nodiscard]] WorkerEnd end() const;
  /// Until nothing of the worker runs any more.
  void wait() const;

 private:
  friend class WorkerServer;
  base::UniqueFd socket_;
  base::UniqueFd pidfd_;
  base::UniqueFd status_;          ///< A pipe: how it ended.
  std::uint64_t cpu_seconds_ = 0;  ///< Its limit.
};

/// Of one that others ended; kSystem. `what` it did: "unpacked the layer".
base::Error worker_killed(std::string_view what);

class WorkerServer {
 public:
  /// Only while the process has one thread.
  static base::Result<std::unique_ptr<WorkerServer>> start(WorkerMain main);
  /// Tells the server to end, which kills what is still running.
  void end() { socket_.reset(); }
  /// The same, and waits for it.
  ~WorkerServer();
  WorkerServer(const WorkerServer&) = delete;
  WorkerServer& operator=(const WorkerServer&) = delete;

  struct Task {
    std::span<const std::byte> request;  ///< At most kMaxRequestBytes.
    /// Handed over in this order. Directories have to be the roots of mounts of their own
    /// (clone_mount): from any other directory ".." leads on.
    std::vector<int> fds;
    int writable = -1;        ///< Index of the only directory that Landlock lets it change.
    int user_namespace = -1;  ///< The worker becomes root of it.
    bool deny_setgroups = false;
    std::uint64_t memory_bytes = 0;  ///< Of address space.
    std::uint64_t cpu_seconds = 0;
    std::uint64_t file_bytes = 0;  ///< Of the largest file it may write.
  };
  static constexpr std::size_t kMaxRequestBytes = 16UL << 10;
  static constexpr std::size_t kMaxFds = 1024;

  /// Thread-safe. A worker that cannot be confined never runs its task: it says kWorkerRefusal and
  /// why, and is gone.
  base::Result<Worker> start_worker(const Task& task) const;

 private:
  WorkerServer(pid_t pid, base::UniqueFd socket) : pid_(pid), socket_(std::move(socket)) {}

  pid_t pid_;
  base::UniqueFd socket_;
};

}  // namespace stagebox::sandbox
