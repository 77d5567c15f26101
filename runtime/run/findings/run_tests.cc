#include "runtime/run/findings/run_tests.h"

#include <algorithm>

#include "runtime/run/findings/last_report.h"

namespace stagebox::run {
using base::Result;

Result<std::vector<TestedStage>> tested_stages(const store::RunDetails& details,
                                               const std::string& stage,
                                               const store::ContentStore& content) {
  std::vector<TestedStage> found;
  for (const store::TestReportRow* last :
       TRY(last_reports(details, details.tests, stage, "test results", "tests"))) {
    TestedStage tested{last->stage, attempt_of(details, *last), last->report, {}};
    tested.results = TRY(load_test_results(last->report, content));
    found.push_back(std::move(tested));
  }
  return found;
}

Result<TestHistory> test_history(const store::RunDetails& details, const TestedStage& stage,
                                 const store::TestReportStore& reports,
                                 const store::ContentStore& content) {
  const auto row = std::ranges::find(details.stages, stage.stage, &store::StageRow::stage);
  std::vector<TestedAttempt> present;
  const auto add = [&](std::vector<TestedAttempt>& attempts, const std::string& run_id,
                       const std::optional<base::Digest>& key, const store::TestReportRef& report) {
    if (report.blob == stage.report.blob) {
      attempts.push_back({run_id, key, stage.results.cases});
      return;
    }
    auto results = load_test_results(report, content);
    if (results.ok()) attempts.push_back({run_id, key, std::move(results->cases)});
  };
  // What was taken from the cache, or is another run's, was a result of that run.
  const bool shared = !details.run.stages_of.empty();
  for (auto attempt = details.tests.rbegin(); attempt != details.tests.rend(); ++attempt) {
    if (!shared && attempt->stage == stage.stage && attempt->attempt > 0 &&
        row != details.stages.end())
      add(present, details.run.id, row->stage_key, attempt->report);
  }
  std::vector<TestedAttempt> earlier;
  for (const store::EarlierTests& tests : TRY(reports.earlier(details.run, stage.stage, kHistory)))
    add(earlier, tests.run_id, tests.stage_key, tests.report);
  return TestHistory(present, earlier);
}

}  // namespace stagebox::run
