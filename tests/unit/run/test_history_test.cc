#include "runtime/run/findings/test_history.h"

#include <gtest/gtest.h>

namespace stagebox::run {
namespace {

using test_reports::TestCase;
using test_reports::TestStatus;

TestCase test_case(const std::string& name, TestStatus status) {
  TestCase test;
  test.suite = "s";
  test.name = name;
  test.status = status;
  test.message = status == TestStatus::kFailed ? "broken" : "";
  return test;
}
TestCase passed(const std::string& name) { return test_case(name, TestStatus::kPassed); }
TestCase failed(const std::string& name) { return test_case(name, TestStatus::kFailed); }
TestCase skipped(const std::string& name) { return test_case(name, TestStatus::kSkipped); }

TestedAttempt attempt(const std::string& run, const std::string& key, std::vector<TestCase> cases) {
  return {run, base::Sha256::of(key), std::move(cases)};
}

TEST(TestHistory, NewAndFixed) {
  const TestHistory history({}, {attempt("r2", "2", {passed("a"), failed("b"), skipped("c")}),
                                 attempt("r1", "1", {failed("a"), passed("b"), failed("c")})});
  EXPECT_TRUE(history.is_new_failure(failed("a"))) << "it passed the last time";
  EXPECT_FALSE(history.is_new_failure(failed("b"))) << "it failed the last time too";
  EXPECT_FALSE(history.is_new_failure(failed("c"))) << "it was skipped, and had failed before";
  EXPECT_TRUE(history.is_new_failure(failed("d"))) << "nobody has seen it before";
  EXPECT_FALSE(history.is_new_failure(passed("a")));
  EXPECT_TRUE(history.is_fixed(passed("b")));
  EXPECT_TRUE(history.is_fixed(passed("c")));
  EXPECT_FALSE(history.is_fixed(passed("a")));
  EXPECT_FALSE(history.is_fixed(passed("d")));
  EXPECT_FALSE(history.is_fixed(failed("b")));
  EXPECT_FALSE(history.is_fixed(skipped("b")));
}

TEST(TestHistory, FlakyAcrossRetries) {
  const TestHistory history({attempt("r", "k", {passed("a"), passed("b")}),
                             attempt("r", "k", {failed("a"), passed("b")})},
                            {});
  ASSERT_EQ(history.flaky().size(), 1U);
  const auto& [name, found] = *history.flaky().begin();
  EXPECT_EQ(name.second, "a");
  EXPECT_EQ(found.passed, 1U);
  EXPECT_EQ(found.failed, 1U);
  EXPECT_EQ(found.last_failed_in, "r");
  EXPECT_EQ(found.message, "broken");
}

TEST(TestHistory, PassedOnRetryIsWhatFailedInAnEarlierAttemptOfThisRun) {
  TestCase last = failed("a");
  last.message = "the last time";
  const TestHistory history(
      {attempt("r2", "k", {passed("a"), failed("b"), skipped("c"), passed("d")}),
       attempt("r2", "k", {last, failed("b"), failed("c"), passed("d")}),
       attempt("r2", "k", {failed("a"), passed("b")})},
      {attempt("r1", "k", {failed("d")})});
  ASSERT_EQ(history.passed_on_retry().size(), 1U);
  const auto& [name, found] = *history.passed_on_retry().begin();
  EXPECT_EQ(name.second, "a");
  EXPECT_EQ(found.failed, 2U);
  EXPECT_EQ(found.message, "the last time");
}

TEST(TestHistory, FlakyAcrossRunsOfOneKeyOnly) {
  const TestHistory history(
      {attempt("r3", "k", {passed("a"), passed("b")})},
      {attempt("r2", "k", {failed("a"), skipped("b")}), attempt("r1", "other", {failed("b")})});
  ASSERT_EQ(history.flaky().size(), 1U);
  EXPECT_EQ(history.flaky().begin()->first.second, "a");
  EXPECT_EQ(history.flaky().begin()->second.last_failed_in, "r2");
}

TEST(TestHistory, ResultsOfTwoKeysAreNotCountedTogether) {
  // Whichever of the keys sorts first.
  for (const auto& [newer, older] : {std::pair("k", "l"), std::pair("l", "k")}) {
    const TestHistory history(
        {attempt("r5", newer, {passed("a")})},
        {attempt("r4", newer, {failed("a")}), attempt("r3", older, {failed("a")}),
         attempt("r2", older, {failed("a")}), attempt("r1", older, {passed("a")})});
    ASSERT_EQ(history.flaky().size(), 1U);
    const Flakiness& found = history.flaky().begin()->second;
    EXPECT_EQ(found.passed, 1U);
    EXPECT_EQ(found.failed, 1U);
    EXPECT_EQ(found.last_failed_in, "r4");
  }
}

TEST(TestHistory, AKeyWithWhichItOnlyFailedIsPassedOver) {
  const TestHistory history({attempt("r4", "broken", {failed("a")})},
                            {attempt("r3", "k", {passed("a")}), attempt("r2", "k", {failed("a")}),
                             attempt("r1", "fine", {passed("a")})});
  ASSERT_EQ(history.flaky().size(), 1U);
  EXPECT_EQ(history.flaky().begin()->second.passed, 1U);
  EXPECT_EQ(history.flaky().begin()->second.last_failed_in, "r2");
}

TEST(TestHistory, FlakyWithinOneRunOfTheRunner) {
  TestCase shaky = passed("a");
  shaky.flaky = true;
  TestedAttempt without_key{"r", std::nullopt, {shaky}};
  const TestHistory history({without_key}, {});
  ASSERT_EQ(history.flaky().size(), 1U);
  EXPECT_EQ(history.flaky().begin()->second.failed, 1U);
}

}  // namespace
}  // namespace stagebox::run
