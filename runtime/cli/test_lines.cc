#include "runtime/cli/test_lines.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <sstream>
#include <vector>

#include "runtime/base/units.h"
#include "runtime/logs/shown_text.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

/// Of each stage, of those that count and of those in quarantine.
constexpr std::size_t kShownCases = 10;
constexpr std::size_t kShownMessageLines = 6;

// `all`: how many there are, told or not. `noun`: what those are that are not shown.
std::string first_cases(const std::vector<test_reports::TestCase>& told, std::size_t all,
                        std::string_view word, std::string_view noun) {
  std::string lines;
  const std::size_t shown = std::min(told.size(), kShownCases);
  for (std::size_t i = 0; i < shown; ++i)
    lines += failed_case_lines(told[i], "    ", kShownMessageLines, word);
  if (all > shown)
    lines += "    and " + std::to_string(all - shown) + " more " + std::string(noun) + "\n";
  return lines;
}

// At most so many lines.
std::string indented(const std::string& text, const std::string& indent, std::size_t most_lines) {
  std::istringstream stream(text);
  std::string lines;
  logs::ShownText shown(logs::Showing::kText);
  std::size_t count = 0;
  for (std::string line; count < most_lines && std::getline(stream, line); ++count) {
    shown.append(lines.append(indent), line);
    lines += '\n';
  }
  if (count == most_lines && stream.peek() != std::istringstream::traits_type::eof())
    lines += indent + "...\n";
  return lines;
}

}  // namespace

std::string test_counts(const store::TestReportRef& report, std::size_t quarantined) {
  if (report.passed + report.failed + report.skipped == 0) return "no test cases";
  std::string counts = std::to_string(report.passed) + " passed";
  if (report.failed != 0) counts += ", " + std::to_string(report.failed) + " failed";
  if (quarantined != 0) counts += " (" + std::to_string(quarantined) + " of them in quarantine)";
  if (report.skipped != 0) counts += ", " + std::to_string(report.skipped) + " skipped";
  return counts;
}

std::string stage_test_lines(const run::StageTests& tests) {
  std::string lines;
  const store::TestReportRef& report = tests.report;
  // Of a report that is missing the problem says enough.
  if (report.passed + report.failed + report.skipped != 0 || tests.problems.empty())
    lines += "    tests: " + test_counts(report, tests.quarantined) + "\n";
  for (const std::string& problem : tests.problems)
    lines += "    tests: " + scheduler::escape_controls(problem) + "\n";
  return lines;
}

std::string unmatched_quarantine_lines(const run::StageTests& tests) {
  std::string lines;
  const auto& all = tests.unmatched_quarantine;
  const std::size_t shown = std::min(all.size(), kShownCases);
  for (std::size_t i = 0; i < shown; ++i)
    lines += "    quarantine: " + scheduler::backquoted(all[i]) + " matches no test case\n";
  if (all.size() > shown)
    lines += "    and " + std::to_string(all.size() - shown) + " more that match none\n";
  return lines;
}

std::string failed_tests_lines(const run::StageTests& tests) {
  return first_cases(tests.failed, tests.counted_failures(), "FAILED", "failed tests") +
         first_cases(tests.quarantined_cases, tests.quarantined, "QUARANTINED",
                     "failed tests in quarantine");
}

std::string failed_case_lines(const test_reports::TestCase& test, const std::string& indent,
                              std::size_t most_lines, std::string_view word) {
  std::string lines =
      indent + std::string(word) + " " + scheduler::escape_controls(test.full_name());
  if (test.took) {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(*test.took);
    lines += " (" + base::format_duration(took) + ")";
  }
  return lines + "\n" + indented(test.message, indent + "  ", most_lines);
}

std::string detail_lines(const test_reports::TestCase& test, const std::string& indent) {
  return indented(test.detail, indent, std::numeric_limits<std::size_t>::max());
}

}  // namespace stagebox::cli
