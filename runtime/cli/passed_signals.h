// PassedSignals: hands the signals that Stagebox gets on to the command of a sandbox, which decides
// what they mean.
#pragma once

#include <functional>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/cli/interrupts.h"

namespace stagebox::cli {

/// SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2. What comes before the command has begun
/// waits for it.
class PassedSignals {
 public:
  /// Before any other thread is started. `on_end` is called, on a thread of its own, for those that
  /// mean the end.
  static base::Result<PassedSignals> watch(std::function<void()> on_end);

  /// For Supervision::signals_fd; as long as this lives.
  [[nodiscard]] int fd() const { return read_end_.get(); }

 private:
  PassedSignals(base::UniqueFd read_end, base::UniqueFd write_end, Interrupts interrupts)
      : read_end_(std::move(read_end)),
        write_end_(std::move(write_end)),
        interrupts_(std::move(interrupts)) {}

  base::UniqueFd read_end_;
  base::UniqueFd write_end_;
  Interrupts interrupts_;  ///< Its thread writes: it ends first.
};

}  // namespace stagebox::cli
