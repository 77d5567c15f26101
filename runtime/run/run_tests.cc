#include "runtime/run/run_tests.h"

#include <algorithm>

#include "runtime/base/printable.h"

namespace stagebox::run {
namespace {

using base::Result;

}  // namespace

const store::TestReportRow* last_test_report(const store::RunDetails& details,
                                             const store::StageRow& stage) {
  // Of what was taken from the cache in the end nothing ran.
  const bool cached = stage.state == store::StageState::kCached;
  const store::TestReportRow* last = nullptr;
  for (const store::TestReportRow& row : details.tests) {
    if (row.stage == stage.stage && (!cached || row.attempt == 0)) last = &row;
  }
  return last;
}

Result<std::vector<TestedStage>> tested_stages(const store::RunDetails& details,
                                               const std::string& stage,
                                               const store::ContentStore& content) {
  std::vector<TestedStage> found;
  bool is_there = stage.empty();
  for (const store::StageRow& row : details.stages) {
    if (!stage.empty() && row.stage != stage) continue;
    is_there = true;
    const store::TestReportRow* last = last_test_report(details, row);
    if (last == nullptr) continue;
    const bool shared = !details.run.stages_of.empty();  // Nothing ran in this run.
    TestedStage tested{row.stage, shared ? 0 : last->attempt, last->report, {}};
    tested.results = TRY(load_test_results(last->report, content));
    found.push_back(std::move(tested));
  }
  if (!is_there)
    return base::not_found("run " + details.run.id + " has no stage " + base::printable(stage));
  if (!stage.empty() && found.empty())
    return base::not_found("the stage " + base::printable(stage) + " of run " + details.run.id +
                           " has no test results: it declares no `tests`, or did not run");
  return found;
}

Result<TestHistory> test_history(const store::RunDetails& details, const std::string& stage,
                                 const store::TestReportStore& reports,
                                 const store::ContentStore& content) {
  const auto row = std::ranges::find(details.stages, stage, &store::StageRow::stage);
  std::vector<TestedAttempt> present;
  const auto add = [&content](std::vector<TestedAttempt>& attempts, const std::string& run_id,
                              const std::optional<base::Digest>& key,
                              const store::TestReportRef& report) {
    auto results = load_test_results(report, content);
    if (results.ok()) attempts.push_back({run_id, key, std::move(results->cases)});
  };
  // What was taken from the cache, or is another run's, was a result of that run.
  const bool shared = !details.run.stages_of.empty();
  for (auto attempt = details.tests.rbegin(); attempt != details.tests.rend(); ++attempt) {
    if (!shared && attempt->stage == stage && attempt->attempt > 0 && row != details.stages.end())
      add(present, details.run.id, row->stage_key, attempt->report);
  }
  std::vector<TestedAttempt> earlier;
  for (const store::EarlierTests& tests : TRY(reports.earlier(details.run, stage, kHistory)))
    add(earlier, tests.run_id, tests.stage_key, tests.report);
  return TestHistory(present, earlier);
}

}  // namespace stagebox::run
