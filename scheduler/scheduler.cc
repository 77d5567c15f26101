#include "scheduler/scheduler.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>

#include "runtime/base/units.h"

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

StageOutcome refused(std::string why) {
  return {.state = StageState::kError, .detail = std::move(why), .cause = FailureCause::kRefused};
}

std::string reached(std::chrono::milliseconds timeout) {
  return "the run's timeout of " + base::format_duration(timeout) + " was reached";
}

}  // namespace

Scheduler::Scheduler(const Plan& plan, StageRunner& runner, RunObserver& observer,
                     const SchedulerOptions& options, CancelToken token)
    : plan_(plan),
      runner_(runner),
      options_(options),
      token_(std::move(token)),
      state_(plan, options),
      teller_(plan, observer) {}

base::Result<RunSummary> Scheduler::run() {
  {
    const std::scoped_lock lock(mutex_);
    TRY(teller_.start());
    alarm_ = TRY(Alarm::create(token_, [this] { on_alarm(); }));
    if (options_.timeout) deadline_ = Alarm::Clock::now() + *options_.timeout;
    set_alarm();
    if (!cancelled_) note(state_.begin());
  }
  run_workers();
  alarm_->stop();
  teller_.finish();
  return summarize();
}

void Scheduler::run_workers() {
  const std::size_t workers = std::clamp<std::size_t>(plan_.size(), 1, std::max(1U, options_.jobs));
  std::vector<std::thread> threads;
  try {
    while (threads.size() + 1 < workers) threads.emplace_back([this] { work(); });
    // NOLINTNEXTLINE(bugprone-empty-catch): out of threads, those that we have do all the work
  } catch (const std::system_error&) {
  }
  work();
  for (std::thread& thread : threads) thread.join();
}

RunSummary Scheduler::summarize() {
  const std::scoped_lock lock(mutex_);
  RunSummary summary{state_.outcomes(), RunResult::kSuccess, timed_out_, {}};
  if (timed_out_) summary.timeout = *options_.timeout;
  for (const StageOutcome& outcome : summary.stages) {
    // A run that took too long has failed: nobody cancelled it.
    const bool late = timed_out_ && outcome.state == StageState::kCancelled;
    summary.result = std::max(summary.result, late ? RunResult::kFailed : result_of(outcome.state));
  }
  return summary;
}

void Scheduler::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    // The token may have been cancelled by another holder of it.
    if (token_.cancelled() && !cancelled_) {
      stop_starting();
      continue;
    }
    const auto index = state_.take_next();
    if (!index) {
      if (state_.done()) return;
      ++waiting_;
      changed_.wait(lock);
      --waiting_;
      continue;
    }
    tokens_.set_free(state_.free_slots());
    wake_workers(state_.ready());
    lock.unlock();
    StageOutcome outcome = run_stage(plan_.stages()[*index]);
    lock.lock();
    // Before what follows from its end: what waited for it is cancelled, not skipped.
    if (token_.cancelled()) stop_starting();
    if (timed_out_ && outcome.state == StageState::kCancelled)
      outcome.detail = reached(*options_.timeout);
    note(state_.finished(*index, std::move(outcome)));
    tokens_.set_free(state_.free_slots());
    // One of them is for this thread.
    wake_workers(std::max<std::size_t>(state_.ready(), 1) - 1);
  }
}

void Scheduler::begun(std::size_t index) {
  const std::scoped_lock lock(mutex_);
  note({state_.begun(index)});
}

void Scheduler::on_alarm() {
  const std::scoped_lock lock(mutex_);
  if (token_.cancelled()) stop_starting();
  if (deadline_ && *deadline_ <= Alarm::Clock::now()) time_out();
  wake_retries();
}

void Scheduler::time_out() {
  deadline_.reset();
  if (cancelled_ || state_.done()) return;
  timed_out_ = true;
  stop_starting();
  token_.cancel();
}

// Those whose wait is over.
void Scheduler::wake_retries() {
  const auto now = Alarm::Clock::now();
  while (!retries_.empty() && retries_.top().first <= now) {
    const std::size_t index = retries_.top().second;
    retries_.pop();
    note(state_.retry(index));
  }
  wake_workers(state_.ready());
  set_alarm();
}

void Scheduler::set_alarm() {
  std::optional<Alarm::Clock::time_point> next = deadline_;
  if (!retries_.empty()) next = next ? std::min(*next, retries_.top().first) : retries_.top().first;
  alarm_->set(next);
}

StageOutcome Scheduler::run_stage(const PlannedStage& stage) {
  bool began = false;
  try {
    StageOutcome outcome = runner_.run(stage, {token_, tokens_, [this, &stage, &began] {
                                                 began = true;
                                                 begun(stage.index);
                                               }});
    const bool put_off = outcome.state == StageState::kReady && !began;
    if (put_off || may_be_returned(outcome.state)) return outcome;
    return refused("the runner returned the state \"" + std::string(to_string(outcome.state)) +
                   "\"");
  } catch (const std::exception& exception) {
    return refused(std::string("unexpected exception: ") + exception.what());
  } catch (...) {
    return refused("unexpected exception");
  }
}

void Scheduler::cancel() {
  const std::scoped_lock lock(mutex_);
  stop_starting();
  // Only now: a stage that this wakes must not make room for another one to start.
  token_.cancel();
}

void Scheduler::stop_starting() {
  if (cancelled_) return;
  cancelled_ = true;
  note(state_.cancel(timed_out_ ? reached(*options_.timeout) : "the run was cancelled"));
  wake_workers(0);
}

void Scheduler::note(SchedulerState::Changes changes) {
  for (SchedulerState::Change& change : changes) {
    const bool comes_again =
        change.outcome.state == StageState::kReady && change.outcome.retry_in.count() != 0;
    if (comes_again || change.outcome.state == StageState::kRetrying) {
      retries_.emplace(Alarm::Clock::now() + change.outcome.retry_in, change.index);
      set_alarm();
    }
    teller_.add(change.index, std::move(change.outcome));
  }
}

// A worker that is woken for nothing costs more than many a stage that is cached: whoever starts a
// stage wakes one more if there is more to start, which then does the same.
void Scheduler::wake_workers(std::size_t startable) {
  if (state_.done())
    changed_.notify_all();
  else if (startable > 0 && waiting_ > 0)
    changed_.notify_one();
}

}  // namespace stagebox::scheduler
