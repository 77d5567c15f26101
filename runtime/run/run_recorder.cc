#include "runtime/run/run_recorder.h"

#include <optional>
#include <utility>

#include "runtime/run/report_json.h"

namespace stagebox::run {
namespace {

using base::Result;
using scheduler::StageState;

store::StageState stored_state(StageState state) {
  switch (state) {
    case StageState::kPending:
    case StageState::kReady:
      return store::StageState::kPending;
    case StageState::kRunning:
      return store::StageState::kRunning;
    case StageState::kRetrying:
      return store::StageState::kRetrying;
    case StageState::kSucceeded:
      return store::StageState::kSucceeded;
    case StageState::kCached:
      return store::StageState::kCached;
    case StageState::kFailed:
      return store::StageState::kFailed;
    case StageState::kAllowedFailure:
      return store::StageState::kAllowedFailure;
    case StageState::kSkipped:
      return store::StageState::kSkipped;
    case StageState::kCancelled:
      return store::StageState::kCancelled;
    case StageState::kError:
      break;
  }
  return store::StageState::kError;
}

// Of the attempt, where that is not the state of the stage.
store::StageState attempt_state(const scheduler::StageOutcome& outcome) {
  if (outcome.state == StageState::kAllowedFailure) return store::StageState::kFailed;
  if (outcome.state != StageState::kRetrying) return stored_state(outcome.state);
  const bool ours = outcome.cause == scheduler::FailureCause::kInfrastructure;
  return ours ? store::StageState::kError : store::StageState::kFailed;
}

std::chrono::milliseconds elapsed_of(const store::AttemptRow& attempt) {
  if (!attempt.started_at || !attempt.ended_at) return std::chrono::milliseconds(0);
  return *attempt.ended_at - *attempt.started_at;
}

bool ends_attempt(StageState state) {
  return scheduler::is_final(state) || state == StageState::kRetrying;
}

}  // namespace

void RunRecorder::on_changes(std::span<const scheduler::StageChange> changes) {
  std::vector<News> news;
  for (const scheduler::StageChange& change : changes) {
    const bool waits = change.outcome.state == StageState::kReady;
    if (waits && change.outcome.detail.empty()) continue;
    // Of one that has been tried, what is recorded of that says more.
    const bool is_noted = !waits || change.outcome.attempt == 0;
    news.push_back(is_noted ? note(change) : News{&change, std::nullopt, {}, nullptr});
  }
  if (is_due()) write();
  // All of them before the first is told: other runs wait for these, and a listener takes its time.
  for (News& one : news) {
    if (one.record) one.record->turn.reset();
  }
  for (const News& one : news) {
    const scheduler::PlannedStage& stage = *one.change->stage;
    listener_.on_stage(stage, one.change->outcome, one.record ? &*one.record : nullptr,
                       one.elapsed);
    if (one.output) listener_.on_output(stage, one.output);
  }
}

RunRecorder::News RunRecorder::note(const scheduler::StageChange& change) {
  const scheduler::PlannedStage& planned = *change.stage;
  const scheduler::StageOutcome& outcome = change.outcome;
  Progress& progress = progress_[planned.index];
  progress.stage.run_id = progress.attempt.run_id = run_id_;
  progress.stage.stage = progress.attempt.stage = planned.stage.id;
  News news{&change, std::nullopt, {}, nullptr};
  std::optional<StageRecord>& record = news.record;
  if (ends_attempt(outcome.state)) record = records_.take(planned.stage.id);
  // An attempt that waited in vain for the next one has been written down when it ended.
  const bool waited = progress.stage.state == store::StageState::kRetrying;
  BegunAttempt begun;
  if (outcome.state == StageState::kRunning) begun = records_.take_begun(planned.stage.id);
  update(progress, change, record ? &*record : nullptr, begun);
  const bool attempted = outcome.attempt > 0 && outcome.state != StageState::kCached;
  store::StageChange row{.stage = progress.stage, .decision = std::move(begun.decision)};
  // One that did not come so far as to have a log.
  if (record && record->decision) row.decision = std::move(record->decision);
  if (record) row.outputs = record->outputs;
  if (record && record->tests) row.tests = record->tests->report;
  if (record && record->coverage) row.coverage = record->coverage->report;
  if (record && record->summary) row.summary = record->summary->report;
  if (record && record->workspace) row.workspace = record->workspace;
  if (attempted && !waited) row.attempt = progress.attempt;
  news.elapsed = elapsed_of(progress.attempt);
  if (outcome.state == StageState::kSucceeded) work_ += news.elapsed;
  news.output = std::move(begun.output);
  if (outcome.state == StageState::kSucceeded && durations_ == Durations::kKept)
    row.took = news.elapsed;
  if (scheduler::is_final(outcome.state)) progress_.erase(planned.index);
  unwritten_.push_back(std::move(row));
  // Of one that waits for another run somebody may want to know it while it does.
  urgent_ = urgent_ || attempted || outcome.state == StageState::kReady;
  return news;
}

void RunRecorder::write() {
  if (unwritten_.empty()) return;
  cached_ = cache_.write_records();
  recorded_ = runs_.record(run_id_, unwritten_);
  last_write_ = Clock::now();
  if (recorded_.ok()) unwritten_.clear();
  if (unwritten_.size() >= kMostKept) give_up();
  if (std::exchange(urgent_, !unwritten_.empty())) disk_.note(std::exchange(work_, {}));
}

// What failed is tried again at a later change, but not at each: a locked database takes seconds
// to say so.
bool RunRecorder::is_due() const {
  if (Clock::now() - last_write_ >= kLongestUnwritten) return true;
  return recorded_.ok() && (urgent_ || unwritten_.size() >= kMostUnwritten);
}

void RunRecorder::give_up() {
  if (lost_.ok()) lost_ = recorded_;
  unwritten_.clear();
}

Result<void> RunRecorder::finish() {
  write();
  TRY(lost_);
  return recorded_;
}

Result<void> RunRecorder::finish_cache() {
  if (!cached_.ok()) cached_ = cache_.write_records();
  return cached_;
}

void RunRecorder::update(Progress& progress, const scheduler::StageChange& change,
                         const StageRecord* record, const BegunAttempt& begun) const {
  auto& [stage, attempt] = progress;
  const scheduler::StageOutcome& outcome = change.outcome;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(change.at);
  const auto earlier = earlier_.find(stage.stage);
  attempt.number = outcome.attempt + (earlier == earlier_.end() ? 0 : earlier->second);
  stage.attempts = attempt.number;
  if (stage.state == store::StageState::kRetrying) {
    attempt.started_at.reset();
    attempt.ended_at.reset();
  }
  stage.state = stored_state(outcome.state);
  attempt.state = attempt_state(outcome);
  stage.reason = attempt.reason = outcome.detail;
  if (outcome.state == StageState::kRunning) {
    attempt.started_at = now;
    attempt.exit_report = "";
    stage.log_path = attempt.log_path = begun.log_path;
    if (!stage.started_at) stage.started_at = now;
  }
  if (ends_attempt(outcome.state)) attempt.ended_at = now;
  if (scheduler::is_final(outcome.state)) stage.ended_at = now;
  if (record != nullptr) fill(progress, *record);
}

void RunRecorder::fill(Progress& progress, const StageRecord& record) {
  auto& [stage, attempt] = progress;
  if (!record.key.is_zero()) stage.stage_key = record.key;
  stage.log_path = attempt.log_path = record.log_path;
  stage.cached_from = record.cached_from;
  stage.cached_key = record.cached_key;
  stage.taken_from = record.taken_from;
  stage.exit_report = record.report ? report_json(*record.report, record.caches) : "";
  attempt.exit_report = stage.exit_report;
}

}  // namespace stagebox::run
