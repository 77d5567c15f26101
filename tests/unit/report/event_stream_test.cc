#include "runtime/report/event_stream.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <sstream>

#include "tests/unit/report/recorded_sink.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::report {
namespace {

using nlohmann::json;
using scheduler::StageState;
using std::chrono::milliseconds;
using testing::RecordedSink;

std::chrono::system_clock::time_point at_1234() {
  return std::chrono::system_clock::time_point(milliseconds(1234));
}

struct EventStreamTest : ::testing::Test {
  scheduler::Plan plan = scheduler::testing::plan("a; b: a.out");
  RecordedSink sink;
  EventStream events{sink,
                     {"name", "/p/stagebox.yaml", base::TrustDomain::untrusted("pr-1").value(),
                      plan.size(), false},
                     at_1234};

  std::vector<json> lines() {
    std::vector<json> parsed;
    std::istringstream in(sink.text());
    for (std::string line; std::getline(in, line);) parsed.push_back(json::parse(line));
    return parsed;
  }
};

TEST_F(EventStreamTest, TheFirstLineSaysWhichSchemaAndWhichRun) {
  events.on_run_started("0123456789ab");
  const auto told = lines();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0], (json{{"event", "run_started"},
                           {"time_ms", 1234},
                           {"schema", 1},
                           {"stagebox", "0.1.0"},
                           {"run", "0123456789ab"},
                           {"pipeline", "name"},
                           {"file", "/p/stagebox.yaml"},
                           {"trust", "untrusted"},
                           {"domain", "pr-1"},
                           {"stages", 2},
                           {"resumed", false}}));
}

TEST_F(EventStreamTest, AStageHasWhatIsKnownOfItAndNothingElse) {
  events.on_stage(plan.stages()[0], {StageState::kRunning, "", {}, 0, 1}, nullptr, milliseconds(0));
  run::StageRecord record;
  record.stage = "a";
  record.key = base::Sha256::of("key");
  record.log_path = "/logs/a.log";
  record.report = sandbox::ExitReport{sandbox::Exited{0, ""}, {}};
  record.outputs.push_back({"out", base::RelativePath::parse("dir/out").value(),
                            store::OutputKind::kFile, base::Sha256::of("content"), 7,
                            store::Executable::kNo, 7});
  events.on_stage(plan.stages()[0], {StageState::kSucceeded, "", {}, 0, 1}, &record,
                  milliseconds(12));
  const auto told = lines();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0], (json{{"event", "stage"},
                           {"time_ms", 1234},
                           {"stage", "a"},
                           {"state", "running"},
                           {"elapsed_ms", 0},
                           {"attempt", 1}}));
  EXPECT_EQ(told[1]["state"], "succeeded");
  EXPECT_EQ(told[1]["elapsed_ms"], 12);
  EXPECT_EQ(told[1]["key"], base::Sha256::of("key").hex());
  EXPECT_EQ(told[1]["log"], "/logs/a.log");
  EXPECT_EQ(told[1]["report"]["cause"], "exited");
  EXPECT_EQ(told[1]["outputs"], json::array({{{"name", "out"},
                                              {"path", "dir/out"},
                                              {"kind", "file"},
                                              {"digest", base::Sha256::of("content").oci()},
                                              {"bytes", 7}}}));
  EXPECT_FALSE(told[1].contains("cached_from"));
  EXPECT_FALSE(told[1].contains("detail"));
}

TEST_F(EventStreamTest, ARetryAndTextThatIsNotUtf8AreTold) {
  scheduler::StageOutcome outcome{StageState::kRetrying, "broke \xff here", {}, 0, 2,
                                  milliseconds(500)};
  events.on_stage(plan.stages()[1], outcome, nullptr, milliseconds(3));
  const auto told = lines();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["retry_in_ms"], 500);
  EXPECT_EQ(told[0]["attempt"], 2);
  EXPECT_EQ(told[0]["detail"], "broke \xef\xbf\xbd here");
}

TEST_F(EventStreamTest, TheLastLineCountsStagesByState) {
  scheduler::RunSummary summary;
  summary.stages = {{StageState::kFailed}, {StageState::kSkipped}};
  summary.result = scheduler::RunResult::kFailed;
  events.on_run_finished(summary, milliseconds(99));
  EXPECT_EQ(lines().at(0), (json{{"event", "run_finished"},
                                 {"time_ms", 1234},
                                 {"result", "failed"},
                                 {"timed_out", false},
                                 {"elapsed_ms", 99},
                                 {"counts", {{"failed", 1}, {"skipped", 1}}}}));
}

}  // namespace
}  // namespace stagebox::report
