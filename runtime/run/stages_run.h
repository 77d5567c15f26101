// StagesRun: which stages had to run in this process, and were not taken from anywhere. For resumed
// runs, in which what cleans up or tells of other stages has its work again when they do.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "scheduler/plan.h"

namespace stagebox::run {

/// Thread-safe.
class StagesRun {
 public:
  /// The plan outlives it.
  explicit StagesRun(const scheduler::Plan& plan) : plan_(plan), ran_(plan.size()) {}

  void note(const scheduler::PlannedStage& stage);
  /// Whether any of the stages that it needs ran, or of those that they need, and so on.
  [[nodiscard]] bool any_above(const scheduler::PlannedStage& stage) const;

 private:
  const scheduler::Plan& plan_;
  mutable std::mutex mutex_;
  std::vector<bool> ran_;  ///< By index.
};

}  // namespace stagebox::run
