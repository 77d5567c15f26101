#include "runtime/run/stage_tests.h"

#include <algorithm>
#include <variant>

namespace stagebox::run {
namespace {

using test_reports::TestCase;
using test_reports::TestStatus;

// sh(1): 126 and 127, a command cannot be executed or is not there; from 129 on, it was killed.
constexpr int kNotRun = 126;

bool has_failed(const TestCase& test) { return test.status == TestStatus::kFailed; }

}  // namespace

StageTests told_tests(const scheduler::Stage& stage, const TestResults& results,
                      const store::TestReportRef& report) {
  StageTests told;
  told.report = report;
  const std::size_t problems = results.problems.size();
  told.problems.assign(results.problems.begin(),
                       results.problems.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                      problems, StageTests::kToldProblems)));
  if (problems > told.problems.size())
    told.problems.push_back("and " + std::to_string(problems - told.problems.size()) +
                            " more problems of its test reports");
  for (const TestCase& test : results.cases) {
    if (!has_failed(test)) continue;
    if (is_quarantined(test, stage.quarantine)) {
      ++told.quarantined;
    } else if (told.failed.size() < StageTests::kTold) {
      told.failed.push_back(test);
    }
  }
  return told;
}

bool passes_by_quarantine(const scheduler::Stage& stage, const sandbox::ExitReport& report,
                          const TestResults& results) {
  const auto* exited = std::get_if<sandbox::Exited>(&report.cause);
  if (exited == nullptr || exited->status == 0 || exited->status >= kNotRun) return false;
  if (!results.problems.empty() || results.missing != 0) return false;
  return results.count(TestStatus::kFailed) != 0 &&
         std::ranges::all_of(results.cases, [&stage](const TestCase& test) {
           return !has_failed(test) || is_quarantined(test, stage.quarantine);
         });
}

void add_tests(const TestResults& results, scheduler::StageOutcome& outcome) {
  outcome.failed_tests = results.count(TestStatus::kFailed) != 0;
  if (outcome.failed_tests) outcome.detail += "; " + results.summary();
}

}  // namespace stagebox::run
