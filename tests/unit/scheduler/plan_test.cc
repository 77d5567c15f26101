#include "scheduler/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> ids(const Plan& plan) {
  std::vector<std::string> result;
  for (const std::size_t index : plan.order()) result.push_back(plan.stages()[index].stage.id);
  return result;
}

TEST(Plan, OrdersStagesAfterWhatTheyNeed) {
  const Plan plan = testing::plan("d: b, c.out; b: a; c: a.x; a");
  EXPECT_THAT(ids(plan), ElementsAre("a", "b", "c", "d"));
  const PlannedStage& d = plan.stages()[0];
  EXPECT_EQ(d.level, 2U);
  EXPECT_EQ(d.height, 1U);
  EXPECT_EQ(plan.stages()[3].height, 3U);
  ASSERT_EQ(d.edges_in.size(), 2U);
  const PlanEdge& data = plan.edges()[d.edges_in[0]];
  EXPECT_EQ(data.kind, EdgeKind::kData);
  EXPECT_EQ(data.output, "out");
  EXPECT_EQ(data.input, "in/c.out");
  EXPECT_EQ(plan.edges()[d.edges_in[1]].kind, EdgeKind::kOrder);
}

TEST(Plan, SelectsStagesWithWhatTheyNeed) {
  const Pipeline pipeline = testing::pipeline("a; b: a; c: b.out; d: a; e");
  EXPECT_THAT(ids(make_plan(pipeline, {"c"}).value()), ElementsAre("a", "b", "c"));
  EXPECT_THAT(ids(make_plan(pipeline, {"e", "d", "e"}).value()), ElementsAre("a", "d", "e"));
  const auto unknown = make_plan(testing::pipeline("build; test"), {"biuld"});
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().kind, base::ErrorKind::kNotFound);
  EXPECT_THAT(unknown.error().message, HasSubstr("did you mean `build`?"));
}

TEST(Plan, RefusesWhatAValidPipelineCannotHave) {
  EXPECT_EQ(make_plan(testing::pipeline("a: b; b: a")).error().kind, base::ErrorKind::kInvalid);
  EXPECT_EQ(make_plan(testing::pipeline("a: a")).error().kind, base::ErrorKind::kInvalid);
  EXPECT_EQ(make_plan(testing::pipeline("a: zzz")).error().kind, base::ErrorKind::kNotFound);
  EXPECT_EQ(make_plan(Pipeline{}).value().size(), 0U);
}

TEST(Plan, HandlesADeepChain) {
  Pipeline pipeline;
  for (int i = 0; i < 10'000; ++i) {
    Stage stage;
    stage.id = "s" + std::to_string(i);
    if (i + 1 < 10'000) stage.needs.push_back({"s" + std::to_string(i + 1), {}});
    pipeline.stages.push_back(stage);
  }
  const Plan plan = make_plan(pipeline, {"s0"}).value();
  EXPECT_EQ(plan.size(), 10'000U);
  EXPECT_EQ(plan.order().front(), 9'999U);
  EXPECT_EQ(plan.stages()[0].level, 9'999U);
  EXPECT_EQ(plan.stages()[9'999].height, 10'000U);
}

TEST(Plan, HandlesManyEdges) {
  Pipeline pipeline;
  for (int i = 0; i < 500; ++i) {
    Stage stage;
    stage.id = "s" + std::to_string(i);
    for (int j = 0; j < i; ++j) stage.needs.push_back({"s" + std::to_string(j), {}});
    pipeline.stages.push_back(stage);
  }
  const Plan plan = make_plan(pipeline).value();
  EXPECT_EQ(plan.edges().size(), 500U * 499U / 2U);
  EXPECT_EQ(plan.stages()[499].level, 499U);
}

}  // namespace
}  // namespace stagebox::scheduler
