// Which failures are tried again, and when.
#include "scheduler/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/file/parse_pipeline.h"
#include "scheduler/scheduler_state.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

StageOutcome failure(FailureCause cause, int status = 0) {
  return {.state = StageState::kFailed, .cause = cause, .exit_status = status};
}

TEST(Retry, ByItselfOnlyTheMachinesFailuresAreTriedAgain) {
  const Retry retry;
  EXPECT_TRUE(retries_after(retry, failure(FailureCause::kInfrastructure)));
  for (const auto cause : {FailureCause::kNone, FailureCause::kExit, FailureCause::kTimeout,
                           FailureCause::kOom, FailureCause::kOther, FailureCause::kRefused})
    EXPECT_FALSE(retries_after(retry, failure(cause)));
}

TEST(Retry, ByCause) {
  Retry retry;
  retry.on = {RetryOn::kTimeout, RetryOnExit{75}};
  EXPECT_TRUE(retries_after(retry, failure(FailureCause::kTimeout)));
  EXPECT_TRUE(retries_after(retry, failure(FailureCause::kExit, 75)));
  EXPECT_FALSE(retries_after(retry, failure(FailureCause::kExit, 74)));
  EXPECT_FALSE(retries_after(retry, failure(FailureCause::kOther, 75)));
  EXPECT_FALSE(retries_after(retry, failure(FailureCause::kInfrastructure)));
  retry.on = {RetryOn::kFailure};
  for (const auto cause :
       {FailureCause::kExit, FailureCause::kTimeout, FailureCause::kOom, FailureCause::kOther})
    EXPECT_TRUE(retries_after(retry, failure(cause, 1)));
  EXPECT_FALSE(retries_after(retry, failure(FailureCause::kInfrastructure)));
  EXPECT_FALSE(retries_after(retry, failure(FailureCause::kRefused)));
}

TEST(Retry, AfterFailedTests) {
  Retry retry;
  retry.on = {RetryOn::kTests};
  StageOutcome outcome = failure(FailureCause::kExit, 1);
  EXPECT_FALSE(retries_after(retry, outcome)) << "no report says that a test failed";
  outcome.failed_tests = true;
  EXPECT_TRUE(retries_after(retry, outcome));
  outcome.cause = FailureCause::kTimeout;
  EXPECT_FALSE(retries_after(retry, outcome));
}

TEST(Retry, TheWaitDoublesUpToABound) {
  Retry retry;
  retry.backoff = milliseconds(1000);
  EXPECT_EQ(retry_delay(retry, 1, 0), milliseconds(1000));
  EXPECT_EQ(retry_delay(retry, 2, 0), milliseconds(2000));
  EXPECT_EQ(retry_delay(retry, 4, 0), milliseconds(8000));
  EXPECT_EQ(retry_delay(retry, 4, 1), milliseconds(4000)) << "chance takes away at most a half";
  EXPECT_EQ(retry_delay(retry, 4, 0.5), milliseconds(6000));
  EXPECT_EQ(retry_delay(retry, 99, 0), kMostBackoff);
}

class RetriedStage : public ::testing::Test {
 protected:
  explicit RetriedStage(std::string_view text = "a; b: a",
                        FailPolicy policy = FailPolicy::kKeepGoing) {
    Pipeline pipeline = testing::pipeline(text);
    pipeline.stages[0].retry = {
        3, milliseconds(100), {RetryOn::kFailure, RetryOn::kInfrastructure}};
    plan_ = make_plan(std::move(pipeline)).value();
    state_.emplace(plan_, SchedulerOptions{.jobs = 8, .fail_policy = policy});
    state_->begin();
  }
  // One attempt of stage 0.
  SchedulerState::Changes attempt(StageOutcome outcome) {
    EXPECT_EQ(state_->take_next(), 0U);
    state_->begun(0);
    return state_->finished(0, std::move(outcome));
  }
  Plan plan_;
  std::optional<SchedulerState> state_;
};

TEST_F(RetriedStage, IsReadyAgainAfterItsWaitAndTakesNoSlotMeanwhile) {
  const auto changes = attempt(failure(FailureCause::kExit, 1));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].outcome.state, StageState::kRetrying);
  EXPECT_EQ(changes[0].outcome.attempt, 1U);
  EXPECT_GE(changes[0].outcome.retry_in, milliseconds(50));
  EXPECT_LE(changes[0].outcome.retry_in, milliseconds(100));
  EXPECT_EQ(state_->running(), 0U);
  EXPECT_EQ(state_->take_next(), std::nullopt);
  EXPECT_EQ(state_->retry(0).size(), 1U);
  EXPECT_EQ(attempt({.state = StageState::kSucceeded}).size(), 2U) << "and b is ready";
  EXPECT_EQ(state_->outcome(0).attempt, 2U);
  EXPECT_TRUE(state_->retry(0).empty()) << "only what waits";
}

TEST_F(RetriedStage, FailsAfterTheLastAttempt) {
  for (int i = 1; i < 3; ++i) {
    attempt(failure(FailureCause::kExit, 1));
    ASSERT_EQ(state_->outcome(0).state, StageState::kRetrying) << i;
    state_->retry(0);
  }
  attempt(failure(FailureCause::kExit, 1));
  EXPECT_EQ(state_->outcome(0).state, StageState::kFailed);
  EXPECT_EQ(state_->outcome(0).attempt, 3U);
  EXPECT_EQ(state_->outcome(1).state, StageState::kSkipped);
  EXPECT_TRUE(state_->done());
}

TEST_F(RetriedStage, OurFailureBeforeItBeginsIsAnAttemptToo) {
  for (int i = 1; i < 3; ++i) {
    ASSERT_EQ(state_->take_next(), 0U);
    state_->finished(0, {.state = StageState::kError, .cause = FailureCause::kInfrastructure});
    ASSERT_EQ(state_->outcome(0).state, StageState::kRetrying) << i;
    state_->retry(0);
  }
  ASSERT_EQ(state_->take_next(), 0U);
  state_->finished(0, {.state = StageState::kError, .cause = FailureCause::kInfrastructure});
  EXPECT_EQ(state_->outcome(0).state, StageState::kError);
  EXPECT_EQ(state_->outcome(0).attempt, 3U);
}

TEST_F(RetriedStage, IsCancelledWhileItWaits) {
  attempt(failure(FailureCause::kTimeout));
  state_->cancel();
  EXPECT_EQ(state_->outcome(0).state, StageState::kCancelled);
  EXPECT_EQ(state_->outcome(0).detail, "the run was cancelled before its next attempt");
  EXPECT_TRUE(state_->retry(0).empty());
  EXPECT_TRUE(state_->done());
}

class RetriedStageFailFast : public RetriedStage {
 protected:
  RetriedStageFailFast() : RetriedStage("a; b", FailPolicy::kFailFast) {}
};

TEST_F(RetriedStageFailFast, IsNotTriedAgainAfterAnotherFailed) {
  attempt(failure(FailureCause::kTimeout));
  ASSERT_EQ(state_->take_next(), 1U);
  state_->begun(1);
  state_->finished(1, failure(FailureCause::kExit, 1));
  EXPECT_EQ(state_->outcome(0).state, StageState::kFailed);
  EXPECT_TRUE(state_->done());
}

Retry parsed(std::string_view retry) {
  const auto result = parse_pipeline(
      "stagebox.yaml",
      "stagebox: 1\nimages: {gcc: {name: x}}\ndefaults: {image: gcc, retry: {attempts: 7}}\n"
      "stages: {s: {run: make" +
          std::string(retry) + "}}\n");
  const auto* pipeline = std::get_if<Pipeline>(&result);
  EXPECT_NE(pipeline, nullptr) << std::get<Diagnostics>(result).render();
  return pipeline == nullptr ? Retry() : pipeline->stages[0].retry;
}

std::string mistake(std::string_view retry) {
  const auto result =
      parse_pipeline("stagebox.yaml",
                     "stagebox: 1\nimages: {gcc: {name: x}}\nstages: {s: {image: gcc, run: make,\n"
                     "    retry: " +
                         std::string(retry) + "}}\n");
  const auto* wrong = std::get_if<Diagnostics>(&result);
  return wrong == nullptr ? "" : wrong->render();
}

TEST(RetryReader, TakesWhatIsWritten) {
  const Retry retry = parsed(", retry: {attempts: 5, backoff: 250ms, on: [timeout, exit:75]}");
  EXPECT_EQ(retry.attempts, 5U);
  EXPECT_EQ(retry.backoff, milliseconds(250));
  ASSERT_EQ(retry.on.size(), 2U);
  EXPECT_EQ(std::get<RetryOn>(retry.on[0]), RetryOn::kTimeout);
  EXPECT_EQ(std::get<RetryOnExit>(retry.on[1]).status, 75);
}

TEST(RetryReader, WithoutOnEveryFailureCounts) {
  const Retry retry = parsed(", retry: {}");
  EXPECT_EQ(retry.attempts, 3U);
  EXPECT_TRUE(retries_after(retry, failure(FailureCause::kExit, 1)));
  EXPECT_TRUE(retries_after(retry, failure(FailureCause::kInfrastructure)));
  EXPECT_EQ(parsed("").attempts, 7U) << "from the defaults";
}

TEST(RetryReader, SaysWhatIsWrongAndWhere) {
  using ::testing::HasSubstr;
  EXPECT_THAT(mistake("3"), HasSubstr("4:12: `retry` must be a mapping"));
  EXPECT_THAT(mistake("{attempts: 0}"),
              HasSubstr("4:23: `attempts` must be a whole number from 1"));
  EXPECT_THAT(mistake("{atempts: 2}"), HasSubstr("did you mean `attempts`?"));
  EXPECT_THAT(mistake("{max: 2}"), HasSubstr("did you mean `attempts`?"));
  EXPECT_THAT(mistake("{backoff: 1h}"), HasSubstr("4:22: `backoff` must be at most 10m"));
  EXPECT_THAT(mistake("{on: [timeuot]}"), HasSubstr("4:18: each item of `on` must be"));
  EXPECT_THAT(mistake("{on: [timeuot]}"), HasSubstr("did you mean `timeout`?"));
  EXPECT_THAT(mistake("{on: [exit:0]}"), HasSubstr("a status from 1 to 255"));
  EXPECT_THAT(mistake("{on: [exit:256]}"), HasSubstr("a status from 1 to 255"));
  EXPECT_THAT(mistake("{on: []}"), HasSubstr("`on` names nothing"));
}

}  // namespace
}  // namespace stagebox::scheduler
