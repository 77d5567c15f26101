// TestCase: one result of a stage's tests, as its test runner reported it. Values only. Where they
// come from is junit_parser.h and tap_parser.h; what becomes of them is not known here.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace stagebox::test_reports {

enum class TestStatus {
  kPassed,
  kFailed,   ///< Or could not be run: an error.
  kSkipped,  ///< Or disabled, or expected to fail.
};

struct TestCase {
  std::string suite;  ///< The class, package or file it belongs to; may be empty.
  std::string name;   ///< With `suite` unique in a report; see number_twins().
  TestStatus status = TestStatus::kPassed;
  bool flaky = false;  ///< It passed after failures, all in one run of the test runner.
  std::optional<std::chrono::microseconds> took;
  std::string message;  ///< A line or some: what is wrong, or why it was skipped.
  std::string detail;   ///< All that the runner said of it.

  /// "suite.name": what people call it, and what `quarantine` matches.
  [[nodiscard]] std::string full_name() const { return suite.empty() ? name : suite + "." + name; }
  bool operator==(const TestCase&) const = default;
};

/// What was found in one file.
struct ParsedReport {
  std::vector<TestCase> cases;
  /// Why it is not whole ("line 7: ..."); empty when it is. The cases before that are there.
  std::string problem;
  bool operator==(const ParsedReport&) const = default;
};

/// All texts are UTF-8 without control characters but line breaks and tabs, and no longer than
/// this in bytes; what is longer lost its end, or its middle.
struct CaseLimits {
  static constexpr std::size_t kName = 512;  ///< Of a suite and of a name.
  static constexpr std::size_t kMessage = std::size_t{2} << 10U;
  static constexpr std::size_t kDetail = std::size_t{16} << 10U;
  /// Of all reports of one stage.
  static constexpr std::size_t kCases = 200'000;
};

/// Gives the second case with a suite and a name the name "NAME (2)" and so on: parameterised tests
/// are often all called the same, and each counts.
void number_twins(std::vector<TestCase>& cases);

}  // namespace stagebox::test_reports
