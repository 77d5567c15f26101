#include "runtime/report/trace.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace stagebox::report {
namespace {

using nlohmann::json;
using scheduler::StageState;
using std::chrono::microseconds;

constexpr int kProcess = 1;
/// Stages that took no slot are marked in a row of their own; slots are numbered from 1.
constexpr std::size_t kNoLane = 0;

std::string text_of(const json& event) {
  return event.dump(-1, ' ', false, json::error_handler_t::replace);
}

json event_at(const char* phase, const std::string& name, std::size_t lane, microseconds at) {
  return {{"ph", phase}, {"name", name}, {"pid", kProcess}, {"tid", lane}, {"ts", at.count()}};
}

json row_name(const char* what, std::size_t lane, const std::string& name) {
  return {
      {"ph", "M"}, {"name", what}, {"pid", kProcess}, {"tid", lane}, {"args", {{"name", name}}}};
}

json details_of(const scheduler::StageOutcome& outcome, const run::StageRecord* record) {
  json details{{"state", std::string(scheduler::to_string(outcome.state))}};
  if (outcome.attempt > 0) details["attempt"] = outcome.attempt;
  if (!outcome.detail.empty()) details["detail"] = outcome.detail;
  if (record == nullptr) return details;
  if (!record->key.is_zero()) details["key"] = record->key.hex();
  if (!record->cached_from.empty()) details["cached_from"] = record->cached_from;
  if (record->report) {
    const sandbox::Usage& usage = record->report->usage;
    details["sandbox_ms"] = usage.wall.count();
    details["user_cpu_us"] = usage.user_cpu.count();
    details["system_cpu_us"] = usage.system_cpu.count();
    details["peak_memory"] = usage.peak_memory;
  }
  return details;
}

}  // namespace

Trace::Trace(TextSink& sink, const scheduler::Plan& plan, Clock clock)
    : sink_(sink), plan_(plan), clock_(std::move(clock)), origin_(clock_()), places_(plan.size()) {}

microseconds Trace::now() const {
  return std::chrono::duration_cast<microseconds>(clock_() - origin_);
}

void Trace::emit(const std::string& event) {
  sink_.write((empty_ ? "[\n" : ",\n") + event);
  empty_ = false;
}

void Trace::on_run_started(const std::string& run_id) {
  emit(text_of(row_name("process_name", kNoLane, "stagebox run " + run_id)));
  emit(text_of(row_name("thread_name", kNoLane, "not run")));
}

void Trace::on_stage(const scheduler::PlannedStage& planned, const scheduler::StageOutcome& outcome,
                     const run::StageRecord* record, std::chrono::milliseconds /*elapsed*/) {
  if (outcome.state == StageState::kRunning) return begin_attempt(planned);
  if (!scheduler::is_final(outcome.state) && outcome.state != StageState::kRetrying) return;
  auto& place = places_[planned.index];
  if (place && !place->end) return end_attempt(planned, outcome, record);
  // Cached, skipped, cancelled: a moment.
  json mark = event_at("i", planned.stage.id, kNoLane, now());
  mark["s"] = "t";
  mark["args"] = details_of(outcome, record);
  emit(text_of(mark));
  place = Place{kNoLane, now(), now()};
}

void Trace::begin_attempt(const scheduler::PlannedStage& planned) {
  places_[planned.index] = Place{take_lane(), now(), std::nullopt};
  count_running();
}

void Trace::end_attempt(const scheduler::PlannedStage& planned,
                        const scheduler::StageOutcome& outcome, const run::StageRecord* record) {
  Place& place = *places_[planned.index];
  place.end = now();
  json span = event_at("X", planned.stage.id, place.lane, place.start);
  span["dur"] = (*place.end - place.start).count();
  span["cat"] = "stage";
  span["args"] = details_of(outcome, record);
  emit(text_of(span));
  draw_arrows(planned);
  lanes_[place.lane - 1] = false;
  count_running();
}

// From the end of each stage that this one waited for to its start.
void Trace::draw_arrows(const scheduler::PlannedStage& planned) {
  const Place& to = *places_[planned.index];
  std::set<std::size_t> drawn;
  for (const std::size_t edge : planned.edges_in) {
    const std::size_t from_index = plan_.edges()[edge].from;
    const auto& from = places_[from_index];
    if (!from || !from->end || from->lane == kNoLane || !drawn.insert(from_index).second) continue;
    json start = event_at("s", "needs", from->lane, *from->end);
    json finish = event_at("f", "needs", to.lane, to.start);
    finish["bp"] = "e";
    start["cat"] = finish["cat"] = "needs";
    start["id"] = finish["id"] = ++arrows_;
    emit(text_of(start));
    emit(text_of(finish));
  }
}

void Trace::count_running() {
  json counter = event_at("C", "running stages", kNoLane, now());
  counter["args"] = {{"running", std::ranges::count(lanes_, true)}};
  emit(text_of(counter));
}

std::size_t Trace::take_lane() {
  const auto free = std::ranges::find(lanes_, false);
  const auto lane = static_cast<std::size_t>(free - lanes_.begin()) + 1;
  if (free != lanes_.end()) {
    *free = true;
    return lane;
  }
  lanes_.push_back(true);
  emit(text_of(row_name("thread_name", lane, "slot " + std::to_string(lane))));
  return lane;
}

void Trace::on_run_finished(const scheduler::RunSummary& /*summary*/,
                            std::chrono::milliseconds /*elapsed*/) {
  sink_.write(empty_ ? "[]\n" : "\n]\n");
}

}  // namespace stagebox::report
