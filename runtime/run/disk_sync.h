// DiskSync: makes durable what a run stored, soon after it was stored and at the end, so that no
// stage waits for the disk. What is not durable yet survives the death of this process; a crash of
// the machine takes it, and the stage that made it runs again. So the more work is in it, the
// sooner it is done.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "runtime/base/result.h"

namespace stagebox::run {

class DiskSync {
 public:
  /// The longest that something is not durable, the time apart that the disk takes.
  static constexpr std::chrono::seconds kDelay{5};
  /// With so much work in it, it is made durable at once.
  static constexpr std::chrono::milliseconds kMuchWork{1000};
  /// But not again before so many times what the disk took for the last: others use it, too.
  static constexpr int kPause = 10;

  /// `sync` makes everything durable that was stored before. It is called by a thread of this, and
  /// by finish(). Without a thread (none can be made) only by finish().
  explicit DiskSync(std::function<base::Result<void>()> sync,
                    std::chrono::steady_clock::duration delay = kDelay);
  ~DiskSync();
  DiskSync(const DiskSync&) = delete;
  DiskSync& operator=(const DiskSync&) = delete;

  /// Something was stored. `work`: what it would take to do it again.
  void note(std::chrono::milliseconds work);
  /// Everything that was noted is durable when this returns. What failed before is tried again, and
  /// so it is by another call of this.
  base::Result<void> finish();
  /// Whether anything was noted. After finish().
  [[nodiscard]] bool was_used() const { return used_; }

 private:
  using Clock = std::chrono::steady_clock;
  void begin_waiting();
  void watch();
  void stop();

  std::function<base::Result<void>()> sync_;
  Clock::duration delay_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool pending_ = false;
  Clock::time_point due_;  ///< When what is pending is to be durable at the latest.
  bool used_ = false;
  bool stopping_ = false;
  std::chrono::milliseconds work_{0};  ///< In what is pending.
  std::thread thread_;
};

}  // namespace stagebox::run
