// ExecReport: what a process that is being set up says of itself, until it executes its command
// (child::ChildReport).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/held_tmpfs.h"
#include "sandbox/syscall_observer.h"

namespace stagebox::sandbox {

/// Why there was no program to run: the image's or the command's fault, not ours.
struct ExecFailure {
  int error = 0;  ///< errno of execve(2)
  std::string command;
};

class ExecReport {
 public:
  /// `socket` is our end; `plan` is what the process walks.
  ExecReport(base::UniqueFd socket, std::vector<std::byte> plan)
      : socket_(std::move(socket)), plan_(std::move(plan)) {}
  /// Zeroes the plan: its environment can have secrets.
  ~ExecReport();
  ExecReport(const ExecReport&) = delete;
  ExecReport& operator=(const ExecReport&) = delete;

  enum class Next {
    kReady,  ///< It waits for proceed().
    kOver,   ///< It executes its command, could not (exec_failure), or was killed.
  };
  /// Blocks until one of them, or returns the Error that names the step that failed.
  base::Result<Next> wait();
  /// Lets a waiting process go on. ESRCH when it is dead.
  base::Result<void> proceed() const;

  /// What was found out so far; to be taken once.
  std::optional<ExecFailure> take_exec_failure() { return std::move(exec_failure_); }
  std::unique_ptr<SyscallObserver> take_observer() { return std::move(observer_); }
  base::UniqueFd take_terminal() { return std::move(terminal_); }
  std::vector<HeldTmpfs> take_tmpfs() { return std::exchange(tmpfs_, {}); }

 private:
  base::Result<void> fail(std::uint32_t step_index, int error);

  base::UniqueFd socket_;
  std::vector<std::byte> plan_;
  std::optional<ExecFailure> exec_failure_;
  std::unique_ptr<SyscallObserver> observer_;
  base::UniqueFd terminal_;
  std::vector<HeldTmpfs> tmpfs_;
};

}  // namespace stagebox::sandbox
