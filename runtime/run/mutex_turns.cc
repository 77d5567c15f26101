#include "runtime/run/mutex_turns.h"

#include <utility>

#include "runtime/run/waiting_stages.h"
#include "scheduler/diagnostics.h"

namespace stagebox::run {

using base::Result;

Result<MutexTurns::Answer> MutexTurns::ask(const scheduler::Stage& stage) {
  if (stage.mutex_across_runs.empty()) return Answer();
  auto asked = TRY(store::MutexLocks::ask(home_fd_, scope_, stage.mutex_across_runs));
  if (!asked.locks) return Answer{.wait = put_off(stage, asked.anothers)};
  TRY(undo_dead_());
  const std::scoped_lock lock(mutex_);
  waiting_.erase(stage.id);
  return Answer{.locks = std::move(asked.locks)};
}

bool MutexTurns::waits(const scheduler::Stage& stage) const {
  const std::scoped_lock lock(mutex_);
  return waiting_.contains(stage.id);
}

scheduler::StageOutcome MutexTurns::put_off(const scheduler::Stage& stage,
                                            const std::string& group) {
  const auto now = std::chrono::steady_clock::now();
  const std::scoped_lock lock(mutex_);
  Waiting& waiting = waiting_.emplace(stage.id, Waiting{now, ""}).first->second;
  const Pause pause = pause_after(now - waiting.since);
  scheduler::StageOutcome outcome{.state = scheduler::StageState::kReady};
  outcome.retry_in = pause.length;
  if (pause.is_told && std::exchange(waiting.told_of, group) != group)
    outcome.detail = "another run has the mutex " + scheduler::backquoted(group);
  return outcome;
}

}  // namespace stagebox::run
