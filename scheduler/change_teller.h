// ChangeTeller: tells a run's observer what became of its stages, on a thread of its own: the
// stages need not wait until what happened is written down. What happens within a moment is told
// together, so that it can be written together.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/base/result.h"
#include "scheduler/plan.h"
#include "scheduler/stage_runner.h"
#include "scheduler/stage_state.h"

namespace stagebox::scheduler {

/// For one run. The plan and the observer outlive it.
class ChangeTeller {
 public:
  /// How long a change waits for others. Nobody sees so little; and it is about as long as it takes
  /// from the end of a stage to the beginning of the next one, however little that has to do first.
  static constexpr std::chrono::milliseconds kMoment{1};
  /// So many are told at a time.
  static constexpr std::size_t kMostTogether = 256;

  ChangeTeller(const Plan& plan, RunObserver& observer) : plan_(plan), observer_(observer) {}
  /// As finish().
  ~ChangeTeller();
  ChangeTeller(const ChangeTeller&) = delete;
  ChangeTeller& operator=(const ChangeTeller&) = delete;

  /// Nothing is told before. kSystem when no thread is left. Call once.
  base::Result<void> start();
  /// Notes that the stage with this index in the plan changed now. Thread-safe; the order of calls
  /// is the order in which it is told. Never waits for the observer.
  void add(std::size_t index, StageOutcome outcome);
  /// Returns when all was told. Nothing may be added afterwards.
  void finish();

 private:
  void tell();
  void tell(const std::vector<StageChange>& changes);

  const Plan& plan_;
  RunObserver& observer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<StageChange> untold_;
  bool finishing_ = false;
  std::thread thread_;
};

}  // namespace stagebox::scheduler
