#include "runtime/run/local_stage_runner.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "runtime/run/findings/coverage_results.h"
#include "runtime/run/secrets/secret_masker.h"
#include "runtime/run/stage/limits_json.h"
#include "runtime/run/stage/stage_spec.h"
#include "runtime/run/stage_execution.h"
#include "runtime/run/stage_outcome.h"
#include "runtime/store/key_turn.h"

namespace stagebox::run {

using base::Result;
using scheduler::StageOutcome;
using scheduler::StageState;

namespace {

// For provenance: an input that is the output of another stage.
std::string taken_from(const scheduler::Stage& stage) {
  nlohmann::json outputs;
  for (const scheduler::Input& input : stage.inputs) {
    if (const auto* from = std::get_if<scheduler::FromOutput>(&input.source))
      outputs[input.at.str()] = from->stage + "." + from->output;
  }
  if (outputs.is_null()) return "";
  return outputs.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Of a stage without a timeout.
constexpr std::chrono::milliseconds kLongestWait = std::chrono::hours(1);

// Whether what is made now could be taken afterwards.
bool may_be_made_by_another(CacheVerdict verdict) {
  switch (verdict) {
    case CacheVerdict::kNoRecord:
    case CacheVerdict::kDamagedRecord:
    case CacheVerdict::kMissingOutputs:
    case CacheVerdict::kExpired:
      return true;
    default:
      return false;
  }
}

}  // namespace

StageOutcome LocalStageRunner::run(const scheduler::PlannedStage& planned,
                                   const scheduler::StageAttempt& attempt) {
  const scheduler::Stage& stage = planned.stage;
  StageRecord record;
  record.stage = stage.id;
  const auto result = take_or_run(planned, attempt, record);
  StageOutcome outcome = result.ok() ? *result : outcome_of(result.error());
  if (outcome.state == StageState::kReady) return outcome;
  if (outcome.state != StageState::kCached) ran_.note(planned);
  if (scheduler::has_outputs(outcome.state) || !outcome.left.empty())
    outputs_.put(stage.id, record.outputs);
  const bool got_far = !record.key.is_zero();
  run_.records.put(stage.id, got_far ? std::optional(std::move(record)) : std::nullopt);
  if (const SecretAutomaton* secrets = run_.masking())
    outcome.detail = masked(*secrets, outcome.detail);
  return outcome;
}

Result<StageOutcome> LocalStageRunner::take_or_run(const scheduler::PlannedStage& planned,
                                                   const scheduler::StageAttempt& attempt,
                                                   StageRecord& record) {
  const scheduler::Stage& stage = planned.stage;
  MutexTurns::Answer mutexes;
  // One that waits looks only whether its turn has come: what it needs is prepared anew then.
  if (mutexes_.waits(stage)) mutexes = TRY(mutexes_.ask(stage));
  if (mutexes.wait) return *mutexes.wait;
  std::optional<WaitingStage> waited = waiting_.take(stage.id);
  PreparedStage prepared =
      TRY(waited ? Result<PreparedStage>(std::move(waited->prepared))
                 : prepare_stage(stage, run_, outputs_, users_, attempt.cancel.stop_token()));
  record.key = prepared.keys.own;
  record.taken_from = taken_from(stage);
  if (waited) {
    record.verdict = waited->verdict;
    record.verdict_detail = waited->verdict_detail;
  } else if (auto cached = from_cache(planned, prepared.keys, record)) {
    return *cached;
  }
  if (!mutexes.locks) mutexes = TRY(mutexes_.ask(stage));
  if (mutexes.wait) return *mutexes.wait;
  if (may_be_made_by_another(*record.verdict)) {
    if (auto outcome = TRY(take_or_wait(planned, prepared, std::move(waited), record)))
      return *outcome;
  }
  record.decision = decision_on(stage, record, std::move(prepared.messages));
  return StageExecution(run_, stage, prepared, attempt, record).execute();
}

// Who had the turn before may have made it. If not, it failed or is dead: then all who waited do it
// themselves, at once, and nobody waits in a queue of failures.
Result<std::optional<StageOutcome>> LocalStageRunner::take_or_wait(
    const scheduler::PlannedStage& planned, PreparedStage& prepared,
    std::optional<WaitingStage> waited, StageRecord& record) {
  const scheduler::Stage& stage = planned.stage;
  using Clock = std::chrono::steady_clock;
  const auto verdict = *record.verdict;
  const std::string detail = record.verdict_detail;
  const bool has_waited = waited.has_value();
  const auto since = has_waited ? waited->since : Clock::now();
  auto answer = TRY(store::KeyTurn::ask(run_.home_fd, prepared.keys.own));
  if (answer.is_anothers && Clock::now() - since < stage.timeout.value_or(kLongestWait)) {
    return std::optional(waiting_.put_off(
        stage.id, {std::move(prepared), verdict, detail, since, has_waited && waited->told}));
  }
  auto cached = from_cache(planned, prepared.keys, record);
  if (cached) return cached;
  record.verdict = verdict;
  record.verdict_detail = detail;
  if (answer.turn && !has_waited)
    record.turn = std::make_shared<store::KeyTurn>(std::move(*answer.turn));
  return cached;
}

std::optional<StageOutcome> LocalStageRunner::from_cache(const scheduler::PlannedStage& planned,
                                                         const StageKeys& keys,
                                                         StageRecord& record) const {
  const scheduler::Stage& stage = planned.stage;
  // To clean up after what ran again, or tell of it, is not done by having done it before.
  const bool is_about_others =
      stage.when != scheduler::When::kSuccess && StageCache::runs_each_time(stage);
  const auto before = is_about_others && ran_.any_above(planned) ? StageCache::Before::kDoesNotCount
                                                                 : StageCache::Before::kCounts;
  CacheAnswer answer = run_.cache.look_up(stage, keys, before);
  record.verdict = answer.verdict;
  record.verdict_detail = std::move(answer.detail);
  record.record_stamp = answer.record_stamp;
  if (!is_taken(answer.verdict)) return std::nullopt;
  record.outputs = std::move(answer.result.outputs);
  record.cached_from = answer.result.run_id;
  record.cached_key = answer.other_key;
  record.log_path = answer.result.log_path;
  if (answer.result.tests) record.tests = StageTests{.report = *answer.result.tests};
  if (answer.result.coverage)
    record.coverage =
        StageCoverage{.report = *answer.result.coverage,
                      .before = coverage_before(run_.coverage, run_.run_id, stage.id)};
  if (answer.result.summary) record.summary = StageSummary{.report = *answer.result.summary};
  if (answer.verdict == CacheVerdict::kFinished)
    return StageOutcome{StageState::kCached, "finished before in this run"};
  return StageOutcome{StageState::kCached, "from run " + record.cached_from};
}

// For `explain` and `shell`. What was taken from the cache says so itself.
std::optional<store::NotedDecision> LocalStageRunner::decision_on(
    const scheduler::Stage& stage, const StageRecord& record,
    std::vector<std::string> messages) const {
  if (!record.verdict) return std::nullopt;
  store::Decision decision{run_.run_id,
                           record.stage,
                           record.key,
                           std::string(to_string(*record.verdict)),
                           record.verdict_detail,
                           limits_json(make_limits(stage.resources)),
                           run_.images.described(stage.image),
                           run_.cache.other_finished_key(stage, record.key)};
  return store::NotedDecision{std::move(decision), std::move(messages)};
}

}  // namespace stagebox::run
