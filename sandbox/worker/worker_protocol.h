// What WorkerServer and its process say to each other: one WorkerStart with the reply socket and
// the user namespace, one WorkerStarted with the worker's pidfd and a pipe, which has one
// WorkerStatus when the worker is dead and which the worker never has. The task's descriptors and
// its request go straight to the worker, over the reply socket, before it is confined.
#pragma once

#include <cstdint>

#include "sandbox/worker/worker_server.h"

namespace stagebox::sandbox {

struct WorkerStart {
  std::uint64_t memory_bytes;
  std::uint64_t cpu_seconds;
  std::uint64_t file_bytes;
  std::uint32_t fds;
  std::int32_t writable;
  std::uint32_t deny_setgroups;
  std::uint32_t request_bytes;
};

struct WorkerStarted {
  std::int32_t error;  ///< errno, or 0.
};

struct WorkerStatus {
  std::int32_t wait_status;
  std::uint64_t cpu_microseconds;  ///< That it used.
};

/// Descriptors in one message.
inline constexpr std::size_t kWorkerBatch = 250;

/// The server's process; does not return.
[[noreturn]] void serve_workers(base::UniqueFd socket, WorkerMain main);
/// In a fresh process that is pid 1 of its namespace: takes every power away from it and runs the
/// task; does not return. `parent` is a pipe that hangs up when its parent dies.
[[noreturn]] void become_worker(const WorkerStart& start, base::UniqueFd user_namespace,
                                base::UniqueFd socket, base::UniqueFd parent, WorkerMain main);
/// The last steps of that: for Landlock `writable` and the other directories among `fds`.
base::Result<void> confine_files(std::span<const base::UniqueFd> fds, int writable);
base::Result<void> confine_syscalls();

}  // namespace stagebox::sandbox
