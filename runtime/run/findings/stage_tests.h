// What a stage's test results mean for how the stage ended, and what is told of them. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/run/findings/test_results.h"
#include "runtime/store/stage_result.h"
#include "runtime/test_reports/test_case.h"
#include "sandbox/exit_report.h"
#include "scheduler/pipeline.h"
#include "scheduler/stage_state.h"

namespace stagebox::run {

/// Of one attempt, for whoever shows it.
struct StageTests {
  static constexpr std::size_t kTold = 20;
  store::TestReportRef report;
  std::vector<test_reports::TestCase> failed = {};  ///< The first kTold that failed and count.
  std::size_t quarantined = 0;                      ///< That failed and do not count.
  std::vector<std::string> problems = {};           ///< As TestResults has them, the first ones.
  /// The first kTold of `quarantined`.
  std::vector<test_reports::TestCase> quarantined_cases = {};
  /// What of `quarantine` names no case. Empty where that means nothing (there are no cases, not
  /// all reports are there and whole, another variant of the matrix may have it) or takes too long.
  std::vector<std::string> unmatched_quarantine = {};

  /// How many failed and are not in quarantine; `failed` has the first of them.
  [[nodiscard]] std::size_t counted_failures() const { return report.failed - quarantined; }
};
/// The first of them, and how many more there are of the `noun` ("test report").
std::vector<std::string> first_problems(const std::vector<std::string>& problems,
                                        std::string_view noun);
StageTests told_tests(const scheduler::Stage& stage, const TestResults& results,
                      const store::TestReportRef& report);

/// Whether a stage that exited with a status of failure has succeeded all the same: there is a
/// whole report for everything that it declares, cases failed, all of those are in quarantine, and
/// the status is none with which a shell says that a command could not run or was killed.
bool passes_by_quarantine(const scheduler::Stage& stage, const sandbox::ExitReport& report,
                          const TestResults& results);

/// Adds to the outcome of a stage that failed what its tests say.
void add_tests(const TestResults& results, scheduler::StageOutcome& outcome);

}  // namespace stagebox::run
