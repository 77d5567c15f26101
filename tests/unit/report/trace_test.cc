#include "runtime/report/trace.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/unit/report/recorded_sink.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::report {
namespace {

using nlohmann::json;
using scheduler::StageState;
using std::chrono::milliseconds;
using testing::RecordedSink;

struct TraceTest : ::testing::Test {
  scheduler::Plan plan = scheduler::testing::plan("a; b; c: a.out, a, b; d");
  RecordedSink sink;
  std::chrono::steady_clock::time_point time{};
  Trace trace{sink, plan, [this] { return time; }};

  void tell(std::size_t stage, StageState state, unsigned attempt = 1) {
    trace.on_stage(plan.stages()[stage], {state, "", {}, 0, attempt}, nullptr, milliseconds(0));
  }
  void pass(int ms) { time += milliseconds(ms); }

  /// The whole file, which must be one JSON array.
  std::vector<json> events(const std::string& phase) {
    std::vector<json> found;
    for (const json& event : json::parse(sink.text())) {
      if (event.at("ph") == phase) found.push_back(event);
    }
    return found;
  }
};

TEST_F(TraceTest, EachAttemptIsASpanInASlotOfItsOwn) {
  trace.on_run_started("id");
  pass(5);
  tell(0, StageState::kRunning);
  tell(1, StageState::kRunning);
  pass(10);
  tell(0, StageState::kRetrying);
  pass(1);
  tell(0, StageState::kRunning, 2);
  pass(4);
  tell(1, StageState::kSucceeded);
  tell(0, StageState::kSucceeded, 2);
  trace.on_run_finished({}, milliseconds(20));
  const auto spans = events("X");
  ASSERT_EQ(spans.size(), 3U);
  EXPECT_EQ(spans[0]["name"], "a");
  EXPECT_EQ(spans[0]["ts"], 5000);
  EXPECT_EQ(spans[0]["dur"], 10000);
  EXPECT_EQ(spans[0]["args"]["state"], "retrying");
  EXPECT_EQ(spans[1]["name"], "b");
  EXPECT_NE(spans[1]["tid"], spans[0]["tid"]);
  EXPECT_EQ(spans[2]["ts"], 16000);
  EXPECT_EQ(spans[2]["args"]["attempt"], 2);
  EXPECT_EQ(spans[2]["tid"], spans[0]["tid"]) << "the slot was free again";
  std::vector<int> running;
  for (const json& counter : events("C")) running.push_back(counter["args"]["running"]);
  EXPECT_EQ(running, (std::vector<int>{1, 2, 1, 2, 1, 0}));
}

TEST_F(TraceTest, AnArrowLeadsFromEachStageThatWasWaitedFor) {
  trace.on_run_started("id");
  tell(0, StageState::kRunning);
  pass(1);
  tell(0, StageState::kSucceeded);
  tell(1, StageState::kCached);
  tell(2, StageState::kRunning);
  pass(1);
  tell(2, StageState::kSucceeded);
  trace.on_run_finished({}, milliseconds(2));
  const auto starts = events("s");
  const auto ends = events("f");
  ASSERT_EQ(starts.size(), 1U)
      << "two edges from one stage are one arrow; a cached one has no span";
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(starts[0]["id"], ends[0]["id"]);
  EXPECT_EQ(starts[0]["ts"], 1000);
  EXPECT_EQ(ends[0]["ts"], 1000);
}

TEST_F(TraceTest, WhatDidNotRunIsAMark) {
  trace.on_run_started("id");
  tell(0, StageState::kCached, 0);
  tell(3, StageState::kSkipped, 0);
  trace.on_run_finished({}, milliseconds(0));
  const auto marks = events("i");
  ASSERT_EQ(marks.size(), 2U);
  EXPECT_EQ(marks[0]["args"]["state"], "cached");
  EXPECT_EQ(marks[1]["name"], "d");
  EXPECT_TRUE(events("X").empty());
}

TEST_F(TraceTest, AnIdIsEscaped) {
  const scheduler::Plan odd = scheduler::testing::plan("x\"\\");
  Trace other(sink, odd, [this] { return time; });
  other.on_stage(odd.stages()[0], {StageState::kCached}, nullptr, milliseconds(0));
  other.on_run_finished({}, milliseconds(0));
  EXPECT_EQ(events("i").at(0)["name"], "x\"\\");
}

}  // namespace
}  // namespace stagebox::report
