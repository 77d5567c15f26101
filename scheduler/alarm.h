// Alarm: a thread that calls back when a time has come or a token is cancelled. It is how a
// Scheduler notices either while all of its own threads run stages or sleep.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "scheduler/cancel_token.h"

namespace stagebox::scheduler {

class Alarm {
 public:
  using Clock = std::chrono::steady_clock;

  /// `ring` is called on the alarm's thread, without a lock held, when the time that was set last
  /// has come, and once when `token` is cancelled. kSystem when no thread or descriptor is left.
  static base::Result<std::unique_ptr<Alarm>> create(CancelToken token, std::function<void()> ring);
  /// As stop().
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  /// Replaces the time; none: only the token rings. A time that has come rings once. Thread-safe,
  /// may be called by `ring`.
  void set(std::optional<Clock::time_point> when);
  /// Waits for a call that is going on; there is none after it.
  void stop();

 private:
  Alarm(CancelToken token, std::function<void()> ring, base::UniqueFd wake)
      : token_(std::move(token)), ring_(std::move(ring)), wake_(std::move(wake)) {}
  void watch();
  bool take_due();
  [[nodiscard]] int poll_timeout();

  CancelToken token_;
  std::function<void()> ring_;
  base::UniqueFd wake_;
  std::mutex mutex_;
  std::optional<Clock::time_point> when_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace stagebox::scheduler
