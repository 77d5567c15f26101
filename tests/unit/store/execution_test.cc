#include "runtime/store/runs/execution.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/temp_dir.h"

namespace stagebox::store {
namespace {

using base::Sha256;
using std::chrono::milliseconds;

class ExecutionTest : public ::testing::Test {
 protected:
  void begin(const std::string& id) {
    RunRecord run;
    run.id = id;
    run.started_at = timestamp_now();
    ASSERT_TRUE(runs_->begin_run(run).ok());
  }
  static StageRow row(const std::string& run, const std::string& stage, const std::string& log,
                      const std::string& cached_from = "") {
    StageRow row;
    row.run_id = run;
    row.stage = stage;
    row.state = cached_from.empty() ? StageState::kSucceeded : StageState::kCached;
    row.stage_key = Sha256::of(run + stage);
    row.log_path = log;
    row.cached_from = cached_from;
    return row;
  }
  static AttemptRow attempt(const StageRow& stage, std::int64_t number, StageState state) {
    AttemptRow attempt;
    attempt.run_id = stage.run_id;
    attempt.stage = stage.stage;
    attempt.number = number;
    attempt.state = state;
    attempt.started_at = Timestamp(milliseconds(10 * number));
    attempt.ended_at = Timestamp(milliseconds(10 * number + 5));
    attempt.exit_report = "report " + std::to_string(number);
    attempt.log_path = stage.log_path;
    return attempt;
  }
  /// The stage's first attempt failed, its second one made what it has.
  void run_stage(const std::string& run, const std::string& stage) {
    const StageRow first = row(run, stage, stage + ".log");
    const StageRow second = row(run, stage, stage + ".2.log");
    ASSERT_TRUE(runs_->record_stage(first, {}, attempt(first, 1, StageState::kFailed)).ok());
    ASSERT_TRUE(runs_->record_stage(second, {}, attempt(second, 2, StageState::kSucceeded)).ok());
  }
  Execution find(const StageRow& stage) {
    EXPECT_TRUE(runs_->record_stage(stage).ok());
    return execution_of(*runs_, runs_->show_run(stage.run_id).value(), stage).value();
  }
  void expect_second(const Execution& found, const std::string& run, const std::string& stage) {
    EXPECT_EQ(found.run_id, run);
    EXPECT_EQ(found.stage, stage);
    EXPECT_EQ(found.started_at, Timestamp(milliseconds(20)));
    EXPECT_EQ(found.ended_at, Timestamp(milliseconds(25)));
    EXPECT_EQ(found.stage_key, Sha256::of(run + stage));
    EXPECT_EQ(found.exit_report, "report 2");
  }

  stagebox::testing::TempDir home_;
  base::Result<RunStore> runs_ = RunStore::open(home_.path("runs.db"));
};

TEST_F(ExecutionTest, IsTheAttemptThatSucceeded) {
  begin("one");
  run_stage("one", "a");
  expect_second(find(row("one", "a", "a.2.log")), "one", "a");
}

TEST_F(ExecutionTest, OfWhatTheRunHadFinishedBeforeItWasResumedIsItsOwn) {
  begin("one");
  run_stage("one", "a");
  expect_second(find(row("one", "a", "a.2.log", "one")), "one", "a");
}

TEST_F(ExecutionTest, IsFoundUnderAnotherName) {
  begin("one");
  run_stage("one", "a");
  begin("two");
  run_stage("one", "b");  // another stage of the name that it has in the other run
  expect_second(find(row("two", "b", "a.2.log", "one")), "one", "a");
  expect_second(find(row("two", "c", "b.2.log", "one")), "one", "b");
  // Also after that one was resumed.
  ASSERT_TRUE(runs_->record_stage(row("one", "a", "a.2.log", "one")).ok());
  expect_second(find(row("two", "b", "a.2.log", "one")), "one", "a");
}

TEST_F(ExecutionTest, WhereNoAttemptsWereKeptTheStageOfTheSameNameTells) {
  begin("one");
  ASSERT_TRUE(runs_->record_stage(row("one", "a", "a.log")).ok());
  begin("two");
  EXPECT_EQ(find(row("two", "a", "a.log", "one")).stage_key, Sha256::of("onea"));
  EXPECT_EQ(find(row("two", "b", "b.log")).run_id, "two");
}

TEST_F(ExecutionTest, OfWhatIsNotOnRecordAnyMoreTheRunIsKnown) {
  begin("two");
  for (const char* source : {"gone", "two"}) {
    const Execution found = find(row("two", "a", "a.log", source));
    EXPECT_EQ(found.run_id, source);
    EXPECT_EQ(found.stage, "");
    EXPECT_FALSE(found.started_at || found.ended_at || found.stage_key);
  }
}

}  // namespace
}  // namespace stagebox::store
