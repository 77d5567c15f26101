// CancelToken: how a running stage learns that it shall stop. One party cancels, any number look or
// poll; cancelling cannot be undone.
#pragma once

#include <memory>
#include <stop_token>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::scheduler {

/// A cheap handle; copies share one state. All functions are thread-safe.
class CancelToken {
 public:
  /// Fails when there is no descriptor left.
  static base::Result<CancelToken> create();

  /// Not async-signal-safe by promise; call it from a thread that reads a signalfd.
  void cancel() const;
  [[nodiscard]] bool cancelled() const;
  /// What was cancelled and has time to end gets none any more. Cancels, too.
  void hurry() const;
  /// A descriptor that is readable (POLLIN) once, and as long as, the token is cancelled. Never
  /// read from it, never close it; it lives as long as any copy of the token.
  [[nodiscard]] int poll_fd() const;
  /// The same of hurry().
  [[nodiscard]] int hurry_fd() const;
  /// poll_fd(), for what takes one.
  [[nodiscard]] std::stop_token stop_token() const;

 private:
  struct State {
    std::stop_source stop;
    base::UniqueFd event;
    base::UniqueFd hurry;
  };
  explicit CancelToken(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace stagebox::scheduler
