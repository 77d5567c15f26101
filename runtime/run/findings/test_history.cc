#include "runtime/run/findings/test_history.h"

#include <string>
#include <utility>

namespace stagebox::run {
namespace {

using test_reports::TestCase;
using test_reports::TestStatus;

std::string key_of(const TestedAttempt& attempt) {
  return attempt.stage_key ? attempt.stage_key->hex() : attempt.run_id;
}

// Also when it passed at last, as the test runner tried it again.
bool ever_failed(const TestCase& test) { return test.status == TestStatus::kFailed || test.flaky; }

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
  find_passed_on_retry(present);
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

void TestHistory::find_passed_on_retry(const std::vector<TestedAttempt>& present) {
  if (present.size() < 2) return;
  std::map<Name, PassedOnRetry> failed;
  for (std::size_t i = 1; i < present.size(); ++i) {
    for (const TestCase& test : present[i].cases) {
      if (test.status != TestStatus::kFailed) continue;
      PassedOnRetry& found = failed[{test.suite, test.name}];
      if (found.failed++ == 0) found.message = test.message;
    }
  }
  for (const TestCase& test : present.front().cases) {
    const auto found = failed.find({test.suite, test.name});
    if (test.status == TestStatus::kPassed && found != failed.end())
      passed_on_retry_.insert(*found);
  }
}

void TestHistory::find_flaky(const std::vector<const TestedAttempt*>& attempts) {
  // With one stage key everything that decides a result was the same. An attempt without a key has
  // only itself to be compared with.
  std::map<std::pair<std::string, Name>, Flakiness> by_key;
  for (const TestedAttempt* attempt : attempts) {
    const std::string key = key_of(*attempt);
    for (const TestCase& test : attempt->cases) {
      Flakiness& found = by_key[{key, {test.suite, test.name}}];
      if (test.status == TestStatus::kPassed) ++found.passed;
      if (!ever_failed(test) || found.failed++ != 0) continue;
      found.last_failed_in = attempt->run_id;
      found.message = test.message;
    }
  }
  // Results of two keys say nothing of each other. Of several keys with both results, the one with
  // which the case failed last counts: the newest comes first.
  for (const TestedAttempt* attempt : attempts) {
    const std::string key = key_of(*attempt);
    for (const TestCase& test : attempt->cases) {
      if (!ever_failed(test)) continue;
      const Name name(test.suite, test.name);
      const Flakiness& found = by_key[{key, name}];
      if (found.passed != 0) flaky_.try_emplace(name, found);
    }
  }
}

}  // namespace stagebox::run
