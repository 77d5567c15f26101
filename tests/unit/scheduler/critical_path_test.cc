#include "scheduler/critical_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/scheduler_state.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::scheduler {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

std::vector<std::string> order(std::string_view text, const StageEstimates& estimates) {
  const Plan plan = testing::plan(text);
  SchedulerState state(plan, {.estimates = estimates});
  state.begin();
  std::vector<std::string> result;
  while (const auto index = state.take_next()) {
    result.push_back(plan.stages()[*index].stage.id);
    state.begun(*index);
    state.finished(*index, {.state = StageState::kSucceeded});
  }
  return result;
}

TEST(CriticalPath, AddsUpTheLongestWay) {
  const Plan plan = testing::plan("a; b: a; c: a; d: b, c");
  EXPECT_THAT(
      critical_paths(plan, {milliseconds(5), milliseconds(100), milliseconds(20), milliseconds(3)}),
      ElementsAre(108, 103, 23, 3));
}

TEST(CriticalPath, AStageThatIsNotKnownIsLikeTheOthers) {
  const Plan plan = testing::plan("a; b; c; d");
  EXPECT_THAT(
      critical_paths(plan, {milliseconds(1), milliseconds(50), std::nullopt, milliseconds(9000)}),
      ElementsAre(1, 50, 50, 9000));
  EXPECT_THAT(critical_paths(plan, {}), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(critical_paths(testing::plan("a; b: a"), {milliseconds(0), milliseconds(0)}),
              ElementsAre(2, 1));
}

TEST(CriticalPath, RecordedDurationsDecideTheOrder) {
  const char* const text = "short; long; chain; end: chain";
  EXPECT_THAT(order(text, {}), ElementsAre("chain", "short", "long", "end"));
  EXPECT_THAT(
      order(text, {milliseconds(10), milliseconds(5000), milliseconds(20), milliseconds(30)}),
      ElementsAre("long", "chain", "end", "short"));
}

TEST(CriticalPath, OfADeepChainNeedsNoRecursion) {
  std::string text = "s0";
  for (int i = 1; i < 10'000; ++i)
    text += "; s" + std::to_string(i) + ": s" + std::to_string(i - 1);
  EXPECT_EQ(critical_paths(testing::plan(text), {}).front(), 10'000U);
}

}  // namespace
}  // namespace stagebox::scheduler
