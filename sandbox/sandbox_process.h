// SandboxProcess: a process that was added to a running sandbox (Sandbox::exec). It is a child of
// the fork server, dies with its sandbox at the latest, and is told apart from the sandbox's own
// end.
#pragma once

#include <optional>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/child/child_plan.h"
#include "sandbox/exec_report.h"

namespace stagebox::sandbox {

class SandboxProcess {
 public:
  /// `told` has said that it is over.
  SandboxProcess(base::UniqueFd pidfd, base::UniqueFd exit_pipe, ExecReport& told)
      : pidfd_(std::move(pidfd)),
        exit_pipe_(std::move(exit_pipe)),
        terminal_(told.take_terminal()),
        exec_failure_(told.take_exec_failure()) {}

  [[nodiscard]] const std::optional<ExecFailure>& exec_failure() const { return exec_failure_; }
  /// See Sandbox::take_terminal.
  base::UniqueFd take_terminal() { return std::move(terminal_); }
  /// Readable when the process is dead; those that it started may go on.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  /// To this process alone.
  base::Result<void> signal(int signal) const;
  /// Blocks until it is dead, and tells how it ended. Once.
  base::Result<child::ExitRecord> wait();

 private:
  base::UniqueFd pidfd_;
  base::UniqueFd exit_pipe_;
  base::UniqueFd terminal_;
  std::optional<ExecFailure> exec_failure_;
};

}  // namespace stagebox::sandbox
