#include "runtime/run/test_history.h"

#include <utility>

namespace stagebox::run {
namespace {

using test_reports::TestCase;
using test_reports::TestStatus;

}  // namespace

TestHistory::TestHistory(const std::vector<TestedAttempt>& present,
                         const std::vector<TestedAttempt>& earlier) {
  std::vector<const TestedAttempt*> attempts;
  for (const TestedAttempt& attempt : present) attempts.push_back(&attempt);
  for (const TestedAttempt& attempt : earlier) {
    attempts.push_back(&attempt);
    for (const TestCase& test : attempt.cases) {
      // The newest comes first.
      if (test.status != TestStatus::kSkipped)
        before_.emplace(Name(test.suite, test.name), test.status);
    }
  }
  find_flaky(attempts);
}

bool TestHistory::is_new_failure(const TestCase& test) const {
  if (test.status != TestStatus::kFailed) return false;
  const auto before = before_.find({test.suite, test.name});
  return before == before_.end() || before->second == TestStatus::kPassed;
}

bool TestHistory::is_fixed(const TestCase& test) const {
  if (test.status != TestStatus::kPassed) return false;
  const auto before = before_.find({test.suite, test.name});
  return before != before_.end() && before->second == TestStatus::kFailed;
}

void TestHistory::find_flaky(const std::vector<const TestedAttempt*>& attempts) {
  // With one stage key everything that decides a result was the same. An attempt without a key has
  // only itself to be compared with.
  std::map<std::pair<std::string, Name>, Flakiness> by_key;
  for (const TestedAttempt* attempt : attempts) {
    const std::string key = attempt->stage_key ? attempt->stage_key->hex() : attempt->run_id;
    for (const TestCase& test : attempt->cases) {
      if (test.status == TestStatus::kSkipped) continue;
      const bool failed = test.status == TestStatus::kFailed || test.flaky;
      Flakiness& found = by_key[{key, {test.suite, test.name}}];
      if (test.status == TestStatus::kPassed) ++found.passed;
      if (!failed) continue;
      if (found.failed++ != 0) continue;
      found.last_failed_in = attempt->run_id;
      found.message = test.message;
    }
  }
  for (auto& [place, found] : by_key) {
    if (found.passed == 0 || found.failed == 0) continue;
    Flakiness& all = flaky_[place.second];
    all.passed += found.passed;
    all.failed += found.failed;
    if (all.last_failed_in.empty()) {
      all.last_failed_in = std::move(found.last_failed_in);
      all.message = std::move(found.message);
    }
  }
}

}  // namespace stagebox::run
