#include "runtime/run/findings/stage_tests.h"

#include <algorithm>
#include <variant>

namespace stagebox::run {
namespace {

using test_reports::TestCase;
using test_reports::TestStatus;

// sh(1): 126 and 127, a command cannot be executed or is not there; from 129 on, it was killed.
constexpr int kNotRun = 126;

// For a note; a file and a stage can have 10,000 entries and 200,000 cases.
constexpr std::size_t kMostComparisons = 1'000'000;

bool has_failed(const TestCase& test) { return test.status == TestStatus::kFailed; }

std::vector<std::string> unmatched_quarantine(const scheduler::Stage& stage,
                                              const TestResults& results) {
  if (results.cases.empty() || !results.problems.empty() || results.missing != 0) return {};
  if (!stage.matrix.empty()) return {};
  if (stage.quarantine.size() * results.cases.size() > kMostComparisons) return {};
  std::vector<std::string> unmatched = stage.quarantine;
  for (const TestCase& test : results.cases) {
    if (unmatched.empty()) break;
    const std::string name = test.full_name();
    std::erase_if(unmatched,
                  [&name](const std::string& pattern) { return names_case(pattern, name); });
  }
  return unmatched;
}

}  // namespace

std::vector<std::string> first_problems(const std::vector<std::string>& problems,
                                        std::string_view noun) {
  constexpr std::size_t kTold = 20;
  if (problems.size() <= kTold) return problems;
  std::vector<std::string> told(problems.begin(), problems.begin() + kTold);
  told.push_back("and " + std::to_string(problems.size() - kTold) + " more problems of its " +
                 std::string(noun) + "s");
  return told;
}

StageTests told_tests(const scheduler::Stage& stage, const TestResults& results,
                      const store::TestReportRef& report) {
  StageTests told;
  told.report = report;
  told.problems = first_problems(results.problems, "test report");
  for (const TestCase& test : results.cases) {
    if (!has_failed(test)) continue;
    const bool quarantined = is_quarantined(test, stage.quarantine);
    if (quarantined) ++told.quarantined;
    std::vector<TestCase>& cases = quarantined ? told.quarantined_cases : told.failed;
    if (cases.size() < StageTests::kTold) cases.push_back(test);
  }
  told.unmatched_quarantine = unmatched_quarantine(stage, results);
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
