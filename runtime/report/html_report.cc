#include "runtime/report/html_report.h"

#include <fcntl.h>

#include <algorithm>
#include <numeric>
#include <ranges>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/report/report_page.h"
#include "runtime/run/state/run_logs.h"

namespace stagebox::report {
namespace {

using base::Result;
using scheduler::StageState;
using std::chrono::milliseconds;

/// Comparing a stage with its earlier runs takes milliseconds; a report must not hold up the end of
/// a run for long.
constexpr milliseconds kMostExplaining{2000};

LogStory read_log(const std::string& path, std::size_t room, std::size_t& left) {
  auto excerpt = excerpt_of(path, std::min(room, left));
  if (!excerpt.ok() || left == 0) return {std::nullopt, true};
  left -= cost_of(*excerpt);
  return {std::move(*excerpt), false};
}

// Failures first: who opens a report of a run that failed looks for them.
std::vector<std::size_t> by_interest(const std::vector<StageStory>& stages) {
  const auto interest = [](const StageStory& story) {
    if (scheduler::is_failure(story.outcome.state)) return 0;
    return story.outcome.state == StageState::kCached ? 2 : 1;
  };
  std::vector<std::size_t> order(stages.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return interest(stages[i]); });
  return order;
}

}  // namespace

Result<HtmlReport> HtmlReport::open(const std::string& directory, const scheduler::Plan& plan,
                                    RunFacts facts, Sources sources, Replace replace, LogRoom room,
                                    ReportClock clock) {
  const std::string what = "write the report to " + base::printable(directory);
  auto made = base::make_dirs(directory, 0755);
  if (!made.ok()) return made.error().with_context(what);
  auto opened = base::open_path(directory, O_RDONLY | O_DIRECTORY);
  if (!opened.ok()) return opened.error().with_context(what);
  return HtmlReport(std::move(*opened), directory, plan, std::move(facts), std::move(sources),
                    std::move(replace), room, std::move(clock));
}

HtmlReport::HtmlReport(base::UniqueFd directory, std::string path, const scheduler::Plan& plan,
                       RunFacts facts, Sources sources, Replace replace, LogRoom room,
                       ReportClock clock)
    : directory_(std::move(directory)),
      path_(std::move(path)),
      plan_(&plan),
      sources_(std::move(sources)),
      replace_(std::move(replace)),
      room_(room),
      clock_(std::move(clock)),
      origin_(clock_.steady()),
      running_(plan.size()) {
  story_.facts = std::move(facts);
  story_.started = clock_.wall();
  story_.stages.resize(plan.size());
}

milliseconds HtmlReport::now() const {
  return std::chrono::duration_cast<milliseconds>(clock_.steady() - origin_);
}

void HtmlReport::on_run_started(const std::string& run_id) {
  story_.id = run_id;
  story_.started = clock_.wall();
  origin_ = clock_.steady();
}

void HtmlReport::on_stage(const scheduler::PlannedStage& planned,
                          const scheduler::StageOutcome& outcome, const run::StageRecord* record,
                          milliseconds /*elapsed*/) {
  StageStory& story = story_.stages[planned.index];
  story.outcome = outcome;
  if (outcome.state == StageState::kRunning) {
    begin_attempt(story, outcome);
    running_[planned.index] = true;
    return;
  }
  if (record != nullptr) story.record = *record;
  if (running_[planned.index]) {
    running_[planned.index] = false;
    end_attempt(story, outcome, record);
  } else if (record != nullptr && !record->log_path.empty()) {
    AttemptStory& earlier = story.attempts.emplace_back();
    earlier.state = scheduler::to_string(outcome.state);
    earlier.log_path = record->log_path;
  }
}

void HtmlReport::begin_attempt(StageStory& story, const scheduler::StageOutcome& outcome) {
  AttemptStory& attempt = story.attempts.emplace_back();
  attempt.number = outcome.attempt;
  attempt.start = now();
  attempt.slot = take_slot();
}

void HtmlReport::end_attempt(StageStory& story, const scheduler::StageOutcome& outcome,
                             const run::StageRecord* record) {
  AttemptStory& attempt = story.attempts.back();
  attempt.end = now();
  attempt.state = scheduler::to_string(outcome.state);
  attempt.detail = outcome.detail;
  if (record != nullptr) attempt.log_path = record->log_path;
  slots_[attempt.slot] = false;
}

std::size_t HtmlReport::take_slot() {
  const auto free = std::ranges::find(slots_, false);
  const auto slot = static_cast<std::size_t>(free - slots_.begin());
  if (free == slots_.end())
    slots_.push_back(true);
  else
    *free = true;
  return slot;
}

void HtmlReport::on_run_finished(const scheduler::RunSummary& summary, milliseconds elapsed) {
  story_.result = result_name(summary.result);
  story_.timed_out = summary.timed_out;
  story_.elapsed = elapsed;
  explain_stages();
  read_summaries();
  read_logs();
  const std::string& name =
      story_.facts.pipeline.empty() ? story_.facts.file : story_.facts.pipeline;
  failure_ =
      replace_(directory_.get(), kReportFile,
               page_of(name + ": " + story_.result + " - Stagebox", json_of(story_, *plan_)));
}

void HtmlReport::explain_stages() {
  if (!sources_.explain) return;
  const milliseconds begin = now();
  for (const std::size_t index : by_interest(story_.stages)) {
    StageStory& story = story_.stages[index];
    if (!story.record || story.record->key.is_zero()) continue;
    if (now() - begin > kMostExplaining) return;
    story.why = sources_.explain(story_.id, plan_->stages()[index].stage.id);
  }
}

void HtmlReport::read_summaries() {
  if (!sources_.load_summary) return;
  std::size_t left = room_.summaries;
  for (const std::size_t index : by_interest(story_.stages)) {
    StageStory& story = story_.stages[index];
    if (!story.record || !story.record->summary) continue;
    const store::SummaryRef& report = story.record->summary->report;
    if (report.blob.size > left) continue;
    auto summary = sources_.load_summary(report);
    if (!summary.ok()) continue;
    left -= report.blob.size;
    story.summary = std::move(*summary);
  }
}

void HtmlReport::read_logs() {
  std::size_t left = room_.total;
  const auto order = by_interest(story_.stages);
  for (const std::size_t index : order) {
    StageStory& story = story_.stages[index];
    const bool failed = scheduler::is_failure(story.outcome.state);
    // The last attempt first, should there not be room for all.
    for (AttemptStory& attempt : std::views::reverse(story.attempts)) {
      if (!attempt.log_path.empty())
        attempt.log = read_log(attempt.log_path, failed ? room_.failed : room_.other, left);
    }
    if (failed) read_services(index, room_.failed, left);
  }
  for (const std::size_t index : order) {
    if (!scheduler::is_failure(story_.stages[index].outcome.state))
      read_services(index, room_.other, left);
  }
}

// Those that have a log: an attempt that was cancelled early has started none.
void HtmlReport::read_services(std::size_t index, std::size_t room, std::size_t& left) {
  for (AttemptStory& attempt : std::views::reverse(story_.stages[index].attempts)) {
    if (attempt.log_path.empty()) continue;
    for (const scheduler::Service& service : plan_->stages()[index].stage.services) {
      const std::string path = run::service_log_path(attempt.log_path, service.name);
      if (base::open_path(path, O_PATH).ok())
        attempt.services.push_back({service.name, read_log(path, room, left)});
    }
  }
}

Result<void> HtmlReport::finish() {
  if (failure_.ok()) return {};
  return failure_.error().with_context("write the report to " + base::printable(path_));
}

}  // namespace stagebox::report
