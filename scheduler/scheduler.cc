#include "scheduler/scheduler.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>

namespace stagebox::scheduler {
namespace {

RunResult result_of(StageState state) {
  switch (state) {
    case StageState::kFailed:
      return RunResult::kFailed;
    case StageState::kError:
      return RunResult::kError;
    case StageState::kCancelled:
      return RunResult::kCancelled;
    default:
      return RunResult::kSuccess;
  }
}

bool may_be_returned(StageState state) {
  return is_final(state) && state != StageState::kSkipped && state != StageState::kAllowedFailure;
}

}  // namespace

Scheduler::Scheduler(const Plan& plan, StageRunner& runner, RunObserver& observer,
                     SchedulerOptions options, CancelToken token)
    : plan_(plan),
      runner_(runner),
      observer_(observer),
      options_(options),
      token_(std::move(token)),
      state_(plan, options.fail_policy) {}

RunSummary Scheduler::run() {
  {
    std::unique_lock lock(mutex_);
    if (!cancelled_) note(state_.begin());
    tell_all(lock);
  }
  const std::size_t workers = std::clamp<std::size_t>(plan_.size(), 1, std::max(1U, options_.jobs));
  std::vector<std::thread> threads;
  try {
    while (threads.size() + 1 < workers) threads.emplace_back([this] { work(); });
    // NOLINTNEXTLINE(bugprone-empty-catch): out of threads, those that we have do all the work
  } catch (const std::system_error&) {
  }
  work();
  for (std::thread& thread : threads) thread.join();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return untold_.empty() && !telling_; });
  RunSummary summary{state_.outcomes(), RunResult::kSuccess};
  for (const StageOutcome& outcome : summary.stages)
    summary.result = std::max(summary.result, result_of(outcome.state));
  return summary;
}

void Scheduler::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return state_.done() || state_.next_ready(); });
    // The token may have been cancelled by another holder of it.
    if (token_.cancelled()) stop_starting();
    const auto index = state_.next_ready();
    if (!index) {
      tell_all(lock);
      if (state_.done()) return;
      continue;
    }
    note({state_.started(*index)});
    tell_all(lock);
    lock.unlock();
    StageOutcome outcome = run_stage(plan_.stages()[*index]);
    lock.lock();
    note(state_.finished(*index, std::move(outcome)));
    tell_all(lock);
  }
}

StageOutcome Scheduler::run_stage(const PlannedStage& stage) {
  try {
    StageOutcome outcome = runner_.run(stage, token_);
    if (may_be_returned(outcome.state)) return outcome;
    return {StageState::kError,
            "the runner returned the state \"" + std::string(to_string(outcome.state)) + "\""};
  } catch (const std::exception& exception) {
    return {StageState::kError, std::string("unexpected exception: ") + exception.what()};
  } catch (...) {
    return {StageState::kError, "unexpected exception"};
  }
}

void Scheduler::cancel() {
  std::unique_lock lock(mutex_);
  stop_starting();
  // Only now: a stage that this wakes must not make room for another one to start.
  token_.cancel();
  tell_all(lock);
}

void Scheduler::stop_starting() {
  if (cancelled_) return;
  cancelled_ = true;
  note(state_.cancel());
}

void Scheduler::note(const SchedulerState::Changes& changes) {
  untold_.insert(untold_.end(), changes.begin(), changes.end());
  changed_.notify_all();
}

// Whoever comes first tells everything, also what others note meanwhile: so the order is kept and
// the observer is never called twice at a time, without making it hold our lock.
void Scheduler::tell_all(std::unique_lock<std::mutex>& lock) {
  if (telling_) return;
  telling_ = true;
  while (!untold_.empty()) {
    const SchedulerState::Change change = std::move(untold_.front());
    untold_.pop_front();
    lock.unlock();
    observer_.on_stage_state(plan_.stages()[change.index], change.outcome);
    lock.lock();
  }
  telling_ = false;
  changed_.notify_all();
}

}  // namespace stagebox::scheduler
