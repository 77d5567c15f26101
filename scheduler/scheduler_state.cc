#include "scheduler/scheduler_state.h"

#include <algorithm>
#include <utility>

#include "scheduler/diagnostics.h"

namespace stagebox::scheduler {
namespace {

// What an attempt that failed comes to when none follows.
void make_final(StageOutcome& failed, const AllowFailure& allow_failure) {
  if (is_ours(failed)) {
    failed.state = StageState::kError;
    return;
  }
  failed.detail += why_allowed(allow_failure, failed);
  failed.state = allows(allow_failure, failed) ? StageState::kAllowedFailure : StageState::kFailed;
}

bool stops_others(StageState state) {
  return state == StageState::kFailed || state == StageState::kError;
}

}  // namespace

SchedulerState::SchedulerState(const Plan& plan, const SchedulerOptions& options)
    : plan_(plan),
      options_(options),
      random_(options.seed + 1),
      outcomes_(plan.size()),
      waiting_for_(plan.size()),
      failed_(plan.size()),
      skip_roots_(plan.size()),
      ready_(plan, critical_paths(plan, options.estimates), options.jobs, options.capacity),
      taken_(plan.size()),
      attempts_(plan.size()),
      open_(plan.size()) {
  for (const PlannedStage& stage : plan.stages()) waiting_for_[stage.index] = stage.edges_in.size();
}

SchedulerState::Changes SchedulerState::begin() {
  Changes changes;
  std::vector<std::size_t> ended;
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    if (waiting_for_[i] == 0) decide_on(i, ended, changes);
  }
  settle(std::move(ended), changes);
  return changes;
}

std::optional<std::size_t> SchedulerState::take_next() {
  const auto index = ready_.take();
  if (index) taken_[*index] = true;
  return index;
}

SchedulerState::Change SchedulerState::begun(std::size_t index) {
  outcomes_[index] = {.state = StageState::kRunning, .attempt = ++attempts_[index]};
  return {index, outcomes_[index]};
}

SchedulerState::Changes SchedulerState::finished(std::size_t index, StageOutcome outcome) {
  ready_.release(index);
  taken_[index] = false;
  Changes changes;
  if (outcome.state == StageState::kReady) {
    put_off(index, std::move(outcome), changes);
    return changes;
  }
  // We can fail before anything runs: that was an attempt too.
  if (outcome.state == StageState::kError && outcomes_[index].state != StageState::kRunning)
    ++attempts_[index];
  outcome.attempt = attempts_[index];
  if (tries_again(index, outcome))
    set(index, waiting_to_retry(plan_.stages()[index].stage.retry, std::move(outcome)), changes);
  else
    conclude(index, std::move(outcome), changes);
  return changes;
}

// Without an attempt. When nothing is to be started any more it meets the fate of those that waited
// for a slot.
void SchedulerState::put_off(std::size_t index, StageOutcome outcome, Changes& changes) {
  if (cancelled_) {
    outcome = {.state = StageState::kCancelled,
               .detail = "the run was cancelled before it started"};
  } else if (may_start(plan_.stages()[index])) {
    put_off_.insert(index);
    outcome.retry_in = std::max(outcome.retry_in, std::chrono::milliseconds(1));
  } else {
    std::vector<std::size_t> ended;
    decide_on(index, ended, changes);
    return settle(std::move(ended), changes);
  }
  outcome.attempt = attempts_[index];
  set(index, std::move(outcome), changes);
}

bool SchedulerState::tries_again(std::size_t index, const StageOutcome& outcome) const {
  const PlannedStage& planned = plan_.stages()[index];
  return is_failure(outcome.state) && outcome.attempt < planned.stage.retry.attempts &&
         may_start(planned) && retries_after(planned.stage.retry, outcome);
}

StageOutcome SchedulerState::waiting_to_retry(const Retry& retry, StageOutcome outcome) {
  outcome.state = StageState::kRetrying;
  const double chance = std::uniform_real_distribution<>(0, 1)(random_);
  outcome.retry_in = retry_delay(retry, outcome.attempt, chance);
  return outcome;
}

SchedulerState::Changes SchedulerState::retry(std::size_t index) {
  Changes changes;
  if (put_off_.erase(index) != 0) {
    ready_.add(index);  // As it has been all the time.
  } else if (outcomes_[index].state == StageState::kRetrying) {
    ready_.add(index);
    set(index, {.state = StageState::kReady, .attempt = attempts_[index]}, changes);
  }
  return changes;
}

void SchedulerState::conclude(std::size_t index, StageOutcome outcome, Changes& changes) {
  if (is_failure(outcome.state)) make_final(outcome, plan_.stages()[index].stage.allow_failure);
  failed_[index] = stops_others(outcome.state);
  set(index, std::move(outcome), changes);
  if (failed_[index] && options_.fail_policy == FailPolicy::kFailFast && !first_failure_) {
    first_failure_ = index;
    stop_others(changes);
  }
  settle({index}, changes);
}

SchedulerState::Changes SchedulerState::cancel(std::string_view why) {
  cancelled_ = true;
  ready_.clear();
  put_off_.clear();
  Changes changes;
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    const StageState state = outcomes_[i].state;
    if (taken_[i] || is_final(state)) continue;
    const std::string when =
        state == StageState::kRetrying ? "before its next attempt" : "before it started";
    set(i,
        {.state = StageState::kCancelled,
         .detail = std::string(why) + " " + when,
         .attempt = attempts_[i]},
        changes);
  }
  return changes;
}

bool SchedulerState::may_start(const PlannedStage& stage) const {
  return !cancelled_ && (!first_failure_ || stage.stage.when != When::kSuccess);
}

void SchedulerState::set(std::size_t index, StageOutcome outcome, Changes& changes) {
  if (is_final(outcome.state)) --open_;
  outcomes_[index] = std::move(outcome);
  changes.push_back({index, outcomes_[index]});
}

// Stages that wait for a slot or for their next attempt, and for no failure; those that are pending
// meet the same fate in decide().
void SchedulerState::stop_others(Changes& changes) {
  std::vector<std::size_t> ended;
  for (const std::size_t index : ready_.stages()) {
    if (may_start(plan_.stages()[index])) continue;
    ready_.remove(index);
    decide_on(index, ended, changes);
  }
  for (const std::size_t index : std::exchange(put_off_, {})) {
    if (may_start(plan_.stages()[index]))
      put_off_.insert(index);
    else
      decide_on(index, ended, changes);
  }
  settle(std::move(ended), changes);
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    if (outcomes_[i].state == StageState::kRetrying && !may_start(plan_.stages()[i]))
      conclude(i, outcomes_[i], changes);
  }
}

// `ended` became final: decides on those that waited for them, and on, until nothing follows.
void SchedulerState::settle(std::vector<std::size_t> ended, Changes& changes) {
  while (!ended.empty()) {
    const std::size_t index = ended.back();
    ended.pop_back();
    for (const std::size_t edge : plan_.stages()[index].edges_out) {
      const std::size_t to = plan_.edges()[edge].to;
      if (--waiting_for_[to] == 0 && !cancelled_) decide_on(to, ended, changes);
    }
  }
}

void SchedulerState::decide_on(std::size_t index, std::vector<std::size_t>& ended,
                               Changes& changes) {
  Decision decision = decide(plan_.stages()[index]);
  if (decision.run) {
    ready_.add(index);
    set(index, {StageState::kReady, ""}, changes);
    return;
  }
  failed_[index] = decision.hands_on_failure;
  const std::size_t cause = decision.because_of.value_or(index);
  const bool handed_on = cause != index && outcomes_[cause].state == StageState::kSkipped;
  skip_roots_[index] = handed_on ? skip_roots_[cause] : cause;
  set(index, {StageState::kSkipped, std::move(decision.reason)}, changes);
  ended.push_back(index);
}

SchedulerState::Decision SchedulerState::decide(const PlannedStage& stage) const {
  if (!stage.stage.condition) return {.reason = "its `if` is false"};
  if (auto missing = missing_output(stage)) return *std::move(missing);
  switch (stage.stage.when) {
    case When::kSuccess:
      return decide_success(stage);
    case When::kFailure:
      if (needed_failure(stage)) return {.run = true};
      return {.reason = "nothing that it needs has failed"};
    case When::kAlways:
      return {.run = true};
  }
  return {};
}

SchedulerState::Decision SchedulerState::decide_success(const PlannedStage& stage) const {
  for (const std::size_t edge : stage.edges_in) {
    const std::size_t from = plan_.edges()[edge].from;
    if (counts_as_success(outcomes_[from].state)) continue;
    const StageState state = outcomes_[from].state;
    return {.hands_on_failure = needed_failure(stage).has_value(),
            .reason = "it needs " + backquoted(plan_.stages()[from].stage.id) +
                      (state == StageState::kSkipped ? ", which " + why_skipped(from)
                                                     : ": " + std::string(to_string(state))),
            .because_of = from};
  }
  if (!first_failure_) return {.run = true};
  return {.hands_on_failure = true,
          .reason = "not started because " + backquoted(plan_.stages()[*first_failure_].stage.id) +
                    " failed before",
          .because_of = first_failure_};
}

// One for failures only does not exist after a success, and the others only then.
bool SchedulerState::output_exists(const PlanEdge& edge) const {
  const StageOutcome& outcome = outcomes_[edge.from];
  if (!has_outputs(outcome.state))
    return std::ranges::find(outcome.left, edge.output) != outcome.left.end();
  const Output* output = plan_.stages()[edge.from].stage.find_output(edge.output);
  return output == nullptr || output->is_result();
}

std::optional<SchedulerState::Decision> SchedulerState::missing_output(
    const PlannedStage& stage) const {
  for (const std::size_t index : stage.edges_in) {
    const PlanEdge& edge = plan_.edges()[index];
    if (edge.kind != EdgeKind::kData || output_exists(edge)) continue;
    const std::string& from = plan_.stages()[edge.from].stage.id;
    return Decision{.hands_on_failure = needed_failure(stage).has_value(),
                    .reason = "its input " + backquoted(from + "." + edge.output) +
                              " does not exist: " + backquoted(from) + " " + why_missing(edge),
                    .because_of = edge.from};
  }
  return std::nullopt;
}

std::string SchedulerState::why_missing(const PlanEdge& edge) const {
  const StageState state = outcomes_[edge.from].state;
  if (state == StageState::kSkipped) return why_skipped(edge.from);
  if (has_outputs(state)) return "has not failed";
  return "is " + std::string(to_string(state));
}

// "was skipped because `a` failed", of a stage that was.
std::string SchedulerState::why_skipped(std::size_t index) const {
  const std::size_t root = skip_roots_[index];
  const Stage& stage = plan_.stages()[root].stage;
  const std::string name = backquoted(stage.id);
  const std::string because = "was skipped because ";
  switch (outcomes_[root].state) {
    case StageState::kSkipped:
      if (stage.condition) return because + "nothing that " + name + " needs has failed";
      return because + (root == index ? "its `if`" : "the `if` of " + name) + " is false";
    case StageState::kError:
      return because + name + " had an error";
    case StageState::kCancelled:
      return because + name + " was cancelled";
    default:
      return because + name + " failed";
  }
}

std::optional<std::size_t> SchedulerState::needed_failure(const PlannedStage& stage) const {
  for (const std::size_t edge : stage.edges_in) {
    const std::size_t from = plan_.edges()[edge].from;
    if (failed_[from]) return from;
  }
  return std::nullopt;
}

}  // namespace stagebox::scheduler
