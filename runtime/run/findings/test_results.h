// TestResults: what became of a stage's tests in one attempt, from its reports to what is stored
// and told of it.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/engine/report_reader.h"
#include "runtime/run/secrets/secret_automaton.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/stage_result.h"
#include "runtime/test_reports/test_case.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

struct TestResults {
  std::vector<test_reports::TestCase> cases;
  /// What of the reports is missing or not whole: a sentence each.
  std::vector<std::string> problems;
  /// The full names of the cases that failed and did not count then. Empty in results that earlier
  /// versions stored.
  std::set<std::string> quarantined = {};
  /// How many declarations without `required` name no file. Not stored.
  std::size_t missing = 0;

  [[nodiscard]] std::size_t count(test_reports::TestStatus status) const;
  /// Whether it failed and did not count.
  [[nodiscard]] bool is_quarantined(const test_reports::TestCase& test) const;
  [[nodiscard]] std::size_t count_quarantined() const;
  /// "2 of 10 tests failed", "10 tests passed"; empty without cases.
  [[nodiscard]] std::string summary() const;
};

/// What texts are masked for, each of which may be nullptr.
struct ReportMasking {
  const SecretAutomaton* of_cases = nullptr;     ///< The stage's words.
  const SecretAutomaton* of_problems = nullptr;  ///< Ours of the stage.
};

/// Reads the reports of a stage that is dead. All texts are masked. An error is ours: what the
/// stage did wrong is in `problems`.
base::Result<TestResults> read_test_results(const scheduler::Stage& stage, int workspace_fd,
                                            const ReportReader& reader,
                                            const ReportMasking& masking);

/// Whether an entry of `quarantine` (name_pattern.h) names the case that has this full name.
bool names_case(const std::string& pattern, const std::string& full_name);
/// Whether one of `patterns` does.
bool is_quarantined(const test_reports::TestCase& test, const std::vector<std::string>& patterns);

/// Notes which of the cases that failed are in quarantine by `patterns`.
void note_quarantined(TestResults& results, const std::vector<std::string>& patterns);

base::Result<store::TestReportRef> store_test_results(const TestResults& results,
                                                      const store::ContentStore& content);
/// kNotFound when they have been removed.
base::Result<TestResults> load_test_results(const store::TestReportRef& report,
                                            const store::ContentStore& content);

}  // namespace stagebox::run
