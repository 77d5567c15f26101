// The code between clone and exec: pid 1 of a sandbox sets it up, starts the stage's process and
// stays as its reaper. Nothing in sandbox/child allocates, locks, throws or logs; a script checks
// the undefined symbols of this library against an allow-list.
#pragma once

#include <csignal>

#include "sandbox/child/child_plan.h"

namespace stagebox::sandbox::child {

/// What pid 1 is given besides the plan. All descriptors are CLOEXEC.
struct ChildContext {
  PlanView plan;
  const int* fds;     ///< The descriptors that steps refer to.
  char* const* argv;  ///< Pointers into the plan, made before clone.
  char* const* environment;
  int stdio[3];
  int go_fd;            ///< One byte arrives when ids are mapped; end of file: give up. -1: none.
  int report_fd;        ///< Socket; ChildReports, and end of file at exec.
  int exit_fd;          ///< Write end; an ExitRecord.
  const int* v1_tasks;  ///< The cgroups to be joined, as files that are open for writing.
  std::uint32_t v1_task_count;
};

/// What the process that clones ignores; everything else has its default disposition there. The
/// stage's process gets the default back.
inline constexpr int kIgnoredSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

/// The status of a process that failed before it was the stage's.
inline constexpr int kSetupFailed = 125;

/// Moves this process, which has one thread, into its v1 cgroups. Before anything else: what comes
/// after is the sandbox's to pay for. Returns -errno.
int join_cgroups(const ChildContext& context);

/// Runs in the new pid 1. Never returns; ends with status 0 when an ExitRecord was written.
[[noreturn]] void child_main(const ChildContext& context);

}  // namespace stagebox::sandbox::child
