#include "scheduler/starting_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::scheduler {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

std::vector<std::string> starts(const Plan& plan, const StageEstimates& estimates) {
  std::vector<std::string> names;
  for (const std::size_t index : starting_order(plan, estimates))
    names.push_back(plan.stages()[index].stage.id);
  return names;
}

TEST(StartingOrder, TheLongestWayIsFirst) {
  const Plan plan = testing::plan("short; c1; c2: c1");
  EXPECT_THAT(starts(plan, {}), ElementsAre("c1", "short", "c2"));
  EXPECT_THAT(starts(plan, {milliseconds(100), milliseconds(200), milliseconds(500)}),
              ElementsAre("c1", "c2", "short"));
  EXPECT_THAT(starts(plan, {milliseconds(900), milliseconds(200), milliseconds(500)}),
              ElementsAre("short", "c1", "c2"));
}

TEST(StartingOrder, HasEveryStageAlsoThoseThatMayBeSkippedOrExcludeEachOther) {
  Pipeline pipeline = testing::pipeline("a; b: a; c!: b; d*; e");
  pipeline.stages[1].condition = false;
  pipeline.stages[3].mutex = pipeline.stages[4].mutex = {"m"};
  pipeline.stages[4].resources.cpus = 1000;
  EXPECT_THAT(starts(make_plan(std::move(pipeline)).value(), {}),
              ElementsAre("a", "b", "c", "d", "e"));
}

}  // namespace
}  // namespace stagebox::scheduler
