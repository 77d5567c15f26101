// MutexTurns: whose turn it is with the mutex groups that hold across runs, for the stages of one
// run. Who waits holds neither a thread nor a slot, and has neither inputs nor groups meanwhile: it
// is put off, and asks again after a while.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "runtime/base/result.h"
#include "runtime/store/mutex_locks.h"
#include "scheduler/pipeline.h"
#include "scheduler/stage_state.h"

namespace stagebox::run {

/// Thread-safe.
class MutexTurns {
 public:
  /// Kills what is left of runs whose Stagebox died.
  using UndoDead = std::function<base::Result<void>()>;

  MutexTurns(int home_fd, store::MutexScope scope, UndoDead undo_dead)
      : home_fd_(home_fd), scope_(std::move(scope)), undo_dead_(std::move(undo_dead)) {}

  struct Answer {
    /// The stage's groups, as long as this lives.
    std::optional<store::MutexLocks> locks = {};
    /// Another run has one: what the stage's run() is to return.
    std::optional<scheduler::StageOutcome> wait = {};
  };
  /// Neither locks nor a wait: the stage has no such groups. With the locks, nothing runs any more
  /// of a stage that had them before and whose Stagebox was killed.
  base::Result<Answer> ask(const scheduler::Stage& stage);
  /// Whether its last answer was a wait.
  [[nodiscard]] bool waits(const scheduler::Stage& stage) const;

 private:
  struct Waiting {
    std::chrono::steady_clock::time_point since;
    std::string told_of;  ///< The group of which it was last told that it waits for it.
  };
  scheduler::StageOutcome put_off(const scheduler::Stage& stage, const std::string& group);

  int home_fd_;
  store::MutexScope scope_;
  UndoDead undo_dead_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Waiting> waiting_;
};

}  // namespace stagebox::run
