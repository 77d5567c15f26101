// TestHistory: what became of each test case of a stage in earlier runs, and what that makes of the
// present result: new, fixed or flaky. Pure; where results come from is run_tests.h.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/test_reports/test_case.h"

namespace stagebox::run {

/// The results of one attempt of a stage.
struct TestedAttempt {
  std::string run_id;
  std::optional<base::Digest> stage_key;
  std::vector<test_reports::TestCase> cases;
};

/// How a case that has both results came to them: with one stage key, of several such keys that
/// with which it failed last.
struct Flakiness {
  std::size_t passed = 0;  ///< In so many attempts.
  std::size_t failed = 0;
  std::string last_failed_in;  ///< The newest run in which it failed.
  std::string message;         ///< Of that failure.
};

/// A case that failed in an attempt of the run in question, and passed in the last one.
struct PassedOnRetry {
  std::size_t failed = 0;  ///< In so many attempts.
  std::string message;     ///< Of the last one of those.
};

class TestHistory {
 public:
  /// `present`: the attempts of the run in question, the last one first. `earlier`: those before
  /// it, newest first.
  TestHistory(const std::vector<TestedAttempt>& present, const std::vector<TestedAttempt>& earlier);

  /// It failed, and the time before it did not, or there was none.
  [[nodiscard]] bool is_new_failure(const test_reports::TestCase& test) const;
  /// It passed, and the time before it failed.
  [[nodiscard]] bool is_fixed(const test_reports::TestCase& test) const;
  /// Passed and failed with one stage key, in whichever attempts and runs; or the test runner
  /// itself tried it again until it passed. By suite and name.
  [[nodiscard]] const std::map<std::pair<std::string, std::string>, Flakiness>& flaky() const {
    return flaky_;
  }

  /// By suite and name.
  [[nodiscard]] const std::map<std::pair<std::string, std::string>, PassedOnRetry>&
  passed_on_retry() const {
    return passed_on_retry_;
  }

 private:
  using Name = std::pair<std::string, std::string>;  ///< Suite and name.
  void find_passed_on_retry(const std::vector<TestedAttempt>& present);
  void find_flaky(const std::vector<const TestedAttempt*>& attempts);

  std::map<Name, test_reports::TestStatus> before_;  ///< Skipped results do not count.
  std::map<Name, Flakiness> flaky_;
  std::map<Name, PassedOnRetry> passed_on_retry_;
};

}  // namespace stagebox::run
