// Test results as lines for a person.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/run/findings/stage_tests.h"
#include "runtime/test_reports/test_case.h"

namespace stagebox::cli {

/// "8 passed, 2 failed (1 of them in quarantine), 1 skipped", or "no test cases".
std::string test_counts(const store::TestReportRef& report, std::size_t quarantined = 0);

/// A line with the counts and one for each problem, indented; empty for a stage without tests.
std::string stage_test_lines(const run::StageTests& tests);

/// What of the stage's `quarantine` names no test case, indented: it is misspelt, or not needed any
/// more.
std::string unmatched_quarantine_lines(const run::StageTests& tests);

/// The cases that failed, those that count before those in quarantine, as far as they are told and
/// there is room for them, indented. Empty when there are none.
std::string failed_tests_lines(const run::StageTests& tests);

/// "FAILED suite.name (12 ms)" and the message below, at most so many lines of it, all indented.
/// `word` is what stands first.
std::string failed_case_lines(const test_reports::TestCase& test, const std::string& indent,
                              std::size_t most_lines, std::string_view word = "FAILED");

/// All that the runner said of it besides its message, indented; its size is limited (CaseLimits).
std::string detail_lines(const test_reports::TestCase& test, const std::string& indent);

}  // namespace stagebox::cli
