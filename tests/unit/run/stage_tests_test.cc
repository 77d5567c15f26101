#include "runtime/run/findings/stage_tests.h"

#include <gtest/gtest.h>

namespace stagebox::run {
namespace {

using test_reports::TestCase;
using test_reports::TestStatus;

TestResults results(const std::vector<std::pair<std::string, TestStatus>>& cases) {
  TestResults all;
  for (const auto& [name, status] : cases) {
    TestCase test;
    test.suite = "net";
    test.name = name;
    test.status = status;
    all.cases.push_back(test);
  }
  return all;
}

sandbox::ExitReport exited(int status) {
  sandbox::ExitReport report;
  report.cause = sandbox::Exited{.status = status, .note = {}};
  return report;
}

TEST(StageTests, WhatOfQuarantineNamesNoCaseIsTold) {
  scheduler::Stage stage;
  stage.quarantine = {"net.a", "net.gone", "net.b*", "db.*", "net.t[1-2]"};
  const auto unmatched = [&stage](const TestResults& results) {
    return told_tests(stage, results, {}).unmatched_quarantine;
  };
  TestResults all = results(
      {{"a", TestStatus::kPassed}, {"b1", TestStatus::kFailed}, {"t[1-2]", TestStatus::kSkipped}});
  EXPECT_EQ(unmatched(all), (std::vector<std::string>{"net.gone", "db.*"}));
  EXPECT_TRUE(unmatched(results({})).empty()) << "no tests ran";
  all.missing = 1;
  EXPECT_TRUE(unmatched(all).empty()) << "they may be in the report that is not there";
  all.missing = 0;
  stage.matrix = {{"os", "a"}};
  EXPECT_TRUE(unmatched(all).empty()) << "another variant may have them";
  stage.matrix.clear();
  all.problems.emplace_back("it is not whole");
  EXPECT_TRUE(unmatched(all).empty());
}

TEST(StageTests, QuarantineForgivesOnlyWhatItNames) {
  scheduler::Stage stage;
  stage.quarantine = {"net.flaky*"};
  const TestResults flaky = results({{"flaky1", TestStatus::kFailed}, {"b", TestStatus::kPassed}});
  EXPECT_TRUE(passes_by_quarantine(stage, exited(1), flaky));
  const TestResults other = results({{"flaky1", TestStatus::kFailed}, {"b", TestStatus::kFailed}});
  EXPECT_FALSE(passes_by_quarantine(stage, exited(1), other));
  stage.quarantine = {"net.t[1-2]"};
  EXPECT_TRUE(passes_by_quarantine(stage, exited(1), results({{"t[1-2]", TestStatus::kFailed}})))
      << "a name that is a pattern too";
  EXPECT_FALSE(passes_by_quarantine(stage, exited(1), results({{"t[1]", TestStatus::kFailed}})));
  stage.quarantine = {"net.flaky*"};
  EXPECT_FALSE(passes_by_quarantine(stage, exited(1), results({{"b", TestStatus::kPassed}})))
      << "it failed for another reason";
  EXPECT_FALSE(passes_by_quarantine(stage, exited(1), results({})));
  EXPECT_FALSE(passes_by_quarantine(stage, exited(0), flaky)) << "there is nothing to forgive";
  EXPECT_TRUE(passes_by_quarantine(stage, exited(125), flaky));
  for (const int status : {126, 127, 137})
    EXPECT_FALSE(passes_by_quarantine(stage, exited(status), flaky)) << "no test runner says that";
  TestResults without = flaky;
  without.missing = 1;
  EXPECT_FALSE(passes_by_quarantine(stage, exited(1), without)) << "not all is known";
  TestResults torn = flaky;
  torn.problems.emplace_back("it is not whole");
  EXPECT_FALSE(passes_by_quarantine(stage, exited(1), torn)) << "others may have failed too";
  sandbox::ExitReport killed;
  killed.cause = sandbox::TimedOut{};
  EXPECT_FALSE(passes_by_quarantine(stage, killed, flaky));
  stage.quarantine.clear();
  EXPECT_FALSE(passes_by_quarantine(stage, exited(1), flaky));
}

TEST(StageTests, ToldAreTheFailuresThatCount) {
  scheduler::Stage stage;
  stage.quarantine = {"net.flaky"};
  std::vector<std::pair<std::string, TestStatus>> many{{"flaky", TestStatus::kFailed}};
  for (std::size_t i = 0; i < StageTests::kTold + 5; ++i)
    many.emplace_back("t" + std::to_string(i), TestStatus::kFailed);
  const StageTests told = told_tests(stage, results(many), {});
  EXPECT_EQ(told.quarantined, 1U);
  ASSERT_EQ(told.failed.size(), StageTests::kTold);
  EXPECT_EQ(told.failed.front().name, "t0");
}

TEST(StageTests, ThoseInQuarantineAreToldApart) {
  scheduler::Stage stage;
  stage.quarantine = {"net.flaky*"};
  std::vector<std::pair<std::string, TestStatus>> many{{"a", TestStatus::kFailed}};
  for (std::size_t i = 0; i < StageTests::kTold + 5; ++i)
    many.emplace_back("flaky" + std::to_string(i), TestStatus::kFailed);
  const StageTests told = told_tests(stage, results(many), {});
  EXPECT_EQ(told.quarantined, StageTests::kTold + 5);
  ASSERT_EQ(told.quarantined_cases.size(), StageTests::kTold);
  EXPECT_EQ(told.quarantined_cases.front().name, "flaky0");
  EXPECT_EQ(told.failed.size(), 1U);
}

TEST(StageTests, AnOutcomeSaysHowManyFailed) {
  scheduler::StageOutcome outcome;
  outcome.detail = "exited with status 1";
  add_tests(results({{"a", TestStatus::kFailed}, {"b", TestStatus::kPassed}}), outcome);
  EXPECT_TRUE(outcome.failed_tests);
  EXPECT_EQ(outcome.detail, "exited with status 1; 1 of 2 tests failed");
  outcome = {};
  add_tests(results({{"b", TestStatus::kPassed}}), outcome);
  EXPECT_FALSE(outcome.failed_tests);
  EXPECT_EQ(outcome.detail, "");
}

}  // namespace
}  // namespace stagebox::run
