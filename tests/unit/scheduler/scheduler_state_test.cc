#include "scheduler/scheduler_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::scheduler {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kPause{50};

using Ends = std::map<std::string, StageState>;

SchedulerOptions with(FailPolicy policy) { return {.jobs = 64, .fail_policy = policy}; }

std::size_t begin_next(SchedulerState& state) {
  const std::size_t index = state.take_next().value();
  state.begun(index);
  return index;
}

// Runs a plan to its end; every stage succeeds that `ends` does not name. "a:succeeded b:failed".
std::string play(std::string_view text, const Ends& ends,
                 FailPolicy policy = FailPolicy::kKeepGoing) {
  const Plan plan = testing::plan(text);
  SchedulerState state(plan, with(policy));
  state.begin();
  while (const auto index = state.take_next()) {
    state.begun(*index);
    const auto end = ends.find(plan.stages()[*index].stage.id);
    state.finished(*index, {end == ends.end() ? StageState::kSucceeded : end->second, ""});
  }
  EXPECT_TRUE(state.done());
  std::string result;
  for (const PlannedStage& stage : plan.stages())
    result += (result.empty() ? "" : " ") + stage.stage.id + ":" +
              std::string(to_string(state.outcome(stage.index).state));
  return result;
}

std::string reason(std::string_view text, const Ends& ends, std::size_t index,
                   FailPolicy policy = FailPolicy::kKeepGoing) {
  const Plan plan = testing::plan(text);
  SchedulerState state(plan, with(policy));
  state.begin();
  while (const auto next = state.take_next()) {
    state.begun(*next);
    const auto end = ends.find(plan.stages()[*next].stage.id);
    state.finished(*next, {end == ends.end() ? StageState::kSucceeded : end->second, ""});
  }
  return state.outcome(index).detail;
}

// What a failure left can be taken by those that do not wait for a success; what there is of
// failures only cannot be taken of a success.
TEST(SchedulerState, AnOutputOfAFailureIsThereWhenItWasLeft) {
  Pipeline pipeline = testing::pipeline("a; s: a.out; f!: a.out; r*: a.out; l*: a.left");
  Output left;
  left.name = "left";
  left.when = When::kFailure;
  pipeline.stages[0].outputs = {left};
  const Plan plan = make_plan(std::move(pipeline)).value();
  const auto states = [&](StageOutcome end) {
    SchedulerState state(plan, with(FailPolicy::kKeepGoing));
    state.begin();
    begin_next(state);
    state.finished(0, std::move(end));
    std::string result;
    for (const PlannedStage& stage : plan.stages())
      result += " " + std::string(to_string(state.outcome(stage.index).state));
    return result;
  };
  EXPECT_EQ(states({StageState::kFailed, ""}), " failed skipped skipped skipped skipped");
  StageOutcome failed{StageState::kFailed, ""};
  failed.left = {"out"};
  EXPECT_EQ(states(failed), " failed skipped ready ready skipped");
  failed.left = {"out", "left"};
  EXPECT_EQ(states(failed), " failed skipped ready ready ready");
  EXPECT_EQ(states({StageState::kSucceeded, ""}), " succeeded ready skipped ready skipped");
}

TEST(SchedulerState, AFailureStopsWhatDependsOnItAndNothingElse) {
  EXPECT_EQ(play("a; b: a; c: b; d", {{"a", StageState::kFailed}}),
            "a:failed b:skipped c:skipped d:succeeded");
  EXPECT_EQ(play("a; b: a; c: b; d", {{"a", StageState::kError}}),
            "a:error b:skipped c:skipped d:succeeded");
  EXPECT_EQ(play("a; b: a", {{"a", StageState::kCached}}), "a:cached b:succeeded");
  EXPECT_EQ(reason("a; b: a", {{"a", StageState::kFailed}}, 1), "it needs `a`: failed");
}

TEST(SchedulerState, AnAllowedFailureCountsAsSuccessButHasNoOutputs) {
  EXPECT_EQ(play("a?; b: a; c: a.out; d: c", {{"a", StageState::kFailed}}),
            "a:allowed failure b:succeeded c:skipped d:skipped");
  EXPECT_EQ(reason("a?; b: a.out", {{"a", StageState::kFailed}}, 1),
            "its input `a.out` does not exist: `a` is allowed failure");
  EXPECT_EQ(play("a?; b!: a", {{"a", StageState::kFailed}}), "a:allowed failure b:skipped");
  EXPECT_EQ(play("a?; b: a", {{"a", StageState::kError}}), "a:error b:skipped");
}

TEST(SchedulerState, ASkipThroughOthersNamesWhereItBegan) {
  EXPECT_EQ(reason("a; b: a; c: b; d: c", {{"a", StageState::kFailed}}, 3),
            "it needs `c`, which was skipped because `a` failed");
  EXPECT_EQ(reason("a; b: a; c: b.out", {{"a", StageState::kError}}, 2),
            "its input `b.out` does not exist: `b` was skipped because `a` had an error");
  EXPECT_EQ(reason("a?; b: a.out; c: b", {{"a", StageState::kFailed}}, 2),
            "it needs `b`, which was skipped because `a` failed");
  EXPECT_EQ(reason("a; b!: a; c: b; d: c", {}, 3),
            "it needs `c`, which was skipped because nothing that `b` needs has failed");
  EXPECT_EQ(reason("a; b; c: b; last: a; later: last", {{"a", StageState::kFailed}}, 2,
                   FailPolicy::kFailFast),
            "it needs `b`, which was skipped because `a` failed");
}

TEST(SchedulerState, ASkipThroughVeryManyOthersNamesWhereItBegan) {
  std::string text = "s0";
  for (int i = 1; i < 10'000; ++i)
    text += "; s" + std::to_string(i) + ": s" + std::to_string(i - 1);
  EXPECT_EQ(reason(text, {{"s0", StageState::kFailed}}, 9'999),
            "it needs `s9998`, which was skipped because `s0` failed");
}

TEST(SchedulerState, ASkipThroughOthersNamesTheStageWhoseIfIsFalse) {
  Pipeline pipeline = testing::pipeline("a; b: a; c: b");
  pipeline.stages[0].condition = false;
  const Plan plan = make_plan(std::move(pipeline)).value();
  SchedulerState state(plan, with(FailPolicy::kKeepGoing));
  state.begin();
  EXPECT_EQ(state.outcome(1).detail, "it needs `a`, which was skipped because its `if` is false");
  EXPECT_EQ(state.outcome(2).detail,
            "it needs `b`, which was skipped because the `if` of `a` is false");
}

TEST(SchedulerState, WhenFailure) {
  EXPECT_EQ(play("a; b!: a", {}), "a:succeeded b:skipped");
  EXPECT_EQ(reason("a; b!: a", {}, 1), "nothing that it needs has failed");
  EXPECT_EQ(play("a; b!: a", {{"a", StageState::kFailed}}), "a:failed b:succeeded");
  EXPECT_EQ(play("a; b; c!: a, b", {{"b", StageState::kFailed}}),
            "a:succeeded b:failed c:succeeded");
  // The failure is handed on through stages that were skipped because of it,
  EXPECT_EQ(play("a; b: a; c!: b", {{"a", StageState::kFailed}}), "a:failed b:skipped c:succeeded");
  // but a skip for another reason is no failure.
  EXPECT_EQ(play("a; b!: a; c!: b; d: b", {}), "a:succeeded b:skipped c:skipped d:skipped");
  // With an input of a stage that did not fail.
  EXPECT_EQ(play("a; b; c!: a.log, b", {{"b", StageState::kFailed}}),
            "a:succeeded b:failed c:succeeded");
  EXPECT_EQ(play("a; b; c!: a.log, b", {{"a", StageState::kFailed}}),
            "a:failed b:succeeded c:skipped");
}

TEST(SchedulerState, WhenAlways) {
  EXPECT_EQ(play("a; b*: a", {}), "a:succeeded b:succeeded");
  EXPECT_EQ(play("a; b*: a", {{"a", StageState::kFailed}}), "a:failed b:succeeded");
  EXPECT_EQ(play("a; b: a; c*: b", {{"a", StageState::kError}}), "a:error b:skipped c:succeeded");
  EXPECT_EQ(play("a; b*: a.out", {{"a", StageState::kFailed}}), "a:failed b:skipped");
}

TEST(SchedulerState, FailFastStartsOnlyWhatWaitsForFailures) {
  EXPECT_EQ(play("a; b; c; d!: a; e*", {{"a", StageState::kFailed}}, FailPolicy::kFailFast),
            "a:failed b:skipped c:skipped d:succeeded e:succeeded");
  EXPECT_EQ(play("a?; b", {{"a", StageState::kFailed}}, FailPolicy::kFailFast),
            "a:allowed failure b:succeeded");
}

TEST(SchedulerState, FailFastLetsRunningStagesEnd) {
  const Plan plan = testing::plan("a; b; c: b");
  SchedulerState state(plan, with(FailPolicy::kFailFast));
  state.begin();
  begin_next(state);
  begin_next(state);
  state.finished(0, {StageState::kFailed, ""});
  EXPECT_FALSE(state.done());
  state.finished(1, {StageState::kSucceeded, ""});
  EXPECT_TRUE(state.done());
  EXPECT_EQ(state.outcome(1).state, StageState::kSucceeded);
  EXPECT_THAT(state.outcome(2).detail, HasSubstr("not started because `a` failed"));
}

TEST(SchedulerState, StartsTheLongestWayFirstThenTheOrderOfTheFile) {
  const Plan plan = testing::plan("short; long; mid; x: long; y: x; z: mid; other");
  SchedulerState state(plan, with(FailPolicy::kKeepGoing));
  state.begin();
  std::vector<std::string> started;
  for (int i = 0; i < 4; ++i) {
    const std::size_t index = state.take_next().value();
    started.push_back(plan.stages()[index].stage.id);
  }
  EXPECT_THAT(started, ::testing::ElementsAre("long", "mid", "short", "other"));
  EXPECT_EQ(state.take_next(), std::nullopt);
  EXPECT_EQ(state.running(), 4U);
}

TEST(SchedulerState, CancelStartsNothingMore) {
  const Plan plan = testing::plan("a; b; c: a; d*: a");
  SchedulerState state(plan, with(FailPolicy::kKeepGoing));
  state.begin();
  ASSERT_EQ(begin_next(state), 0U);
  EXPECT_EQ(state.cancel().size(), 3U);
  EXPECT_EQ(state.take_next(), std::nullopt);
  EXPECT_FALSE(state.done());
  // Not even when the running stage succeeds after all.
  EXPECT_EQ(state.finished(0, {StageState::kSucceeded, ""}).size(), 1U);
  EXPECT_TRUE(state.done());
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(state.outcome(i).state, StageState::kCancelled);
}

TEST(SchedulerState, WhatIsPutOffTakesNoSlotAndIsNoAttempt) {
  const Plan plan = testing::plan("a; b");
  SchedulerState state(plan, {.jobs = 1});
  state.begin();
  ASSERT_EQ(state.take_next(), 0U);
  EXPECT_FALSE(state.take_next());
  const auto changes =
      state.finished(0, {.state = StageState::kReady, .detail = "waits", .retry_in = kPause});
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].outcome.state, StageState::kReady);
  EXPECT_EQ(changes[0].outcome.retry_in, kPause);
  EXPECT_EQ(begin_next(state), 1U) << "it has the slot now";
  EXPECT_TRUE(state.retry(0).empty()) << "it has been ready all the time";
  EXPECT_FALSE(state.take_next());
  state.finished(1, {StageState::kSucceeded, ""});
  ASSERT_EQ(state.take_next(), 0U);
  state.finished(0, {.state = StageState::kReady});
  EXPECT_GT(state.outcome(0).retry_in.count(), 0) << "else it would never come again";
  EXPECT_TRUE(state.retry(0).empty());
  EXPECT_EQ(begin_next(state), 0U);
  EXPECT_EQ(state.outcome(0).attempt, 1U);
  EXPECT_TRUE(state.retry(0).empty()) << "nothing waits any more";
  EXPECT_FALSE(state.take_next());
}

TEST(SchedulerState, WhatIsPutOffEndsWithTheRest) {
  const Plan plan = testing::plan("a; b; c: a; d");
  SchedulerState cancelled(plan, {.jobs = 4});
  cancelled.begin();
  cancelled.take_next();
  cancelled.finished(0, {.state = StageState::kReady});
  cancelled.cancel();
  EXPECT_EQ(cancelled.outcome(0).state, StageState::kCancelled);
  EXPECT_TRUE(cancelled.done());
  // At the moment when it is put off, and before.
  for (const bool before : {false, true}) {
    SchedulerState stopped(plan, with(FailPolicy::kFailFast));
    stopped.begin();
    while (stopped.take_next()) {
    }
    if (before) stopped.finished(0, {.state = StageState::kReady});
    stopped.begun(1);
    stopped.finished(1, {StageState::kFailed, ""});
    if (!before) stopped.finished(0, {.state = StageState::kReady});
    EXPECT_EQ(stopped.outcome(0).state, StageState::kSkipped);
    EXPECT_EQ(stopped.outcome(2).state, StageState::kSkipped);
    stopped.finished(3, {StageState::kSucceeded, ""});
    EXPECT_TRUE(stopped.done());
  }
}

TEST(SchedulerState, SkipsADeepChainWithoutRecursion) {
  std::string text = "s0";
  for (int i = 1; i < 10'000; ++i)
    text += "; s" + std::to_string(i) + ": s" + std::to_string(i - 1);
  const Plan plan = testing::plan(text);
  SchedulerState state(plan, with(FailPolicy::kKeepGoing));
  state.begin();
  ASSERT_EQ(begin_next(state), 0U);
  EXPECT_EQ(state.finished(0, {StageState::kFailed, ""}).size(), 10'000U);
  EXPECT_TRUE(state.done());
}

TEST(SchedulerState, AnEmptyPlanIsDone) {
  const Plan plan;
  SchedulerState state(plan, with(FailPolicy::kKeepGoing));
  EXPECT_TRUE(state.begin().empty());
  EXPECT_TRUE(state.done());
}

}  // namespace
}  // namespace stagebox::scheduler
