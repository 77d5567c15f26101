// What the report collects of a run and writes at its end.
#include "runtime/report/html_report.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <span>

#include "runtime/base/files.h"
#include "runtime/logs/log_writer.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::report {
namespace {

using nlohmann::json;
using scheduler::StageState;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

base::Result<void> replace(int dir_fd, const std::string& name, std::string_view content) {
  return base::replace_file_at(dir_fd, name, content, 0644);
}

struct HtmlReportTest : ::testing::Test {
  HtmlReport make(LogRoom room = {}, HtmlReport::Sources sources = {}) {
    ReportClock clock;
    clock.steady = [this] { return time; };
    auto report = HtmlReport::open(dir.path("a/b"), plan,
                                   {"name", "/p/stagebox.yaml", {}, plan.size(), false},
                                   std::move(sources), replace, room, clock);
    EXPECT_TRUE(report.ok());
    return std::move(report).value();
  }
  void tell(HtmlReport& report, std::size_t stage, StageState state, unsigned attempt = 1,
            const run::StageRecord* record = nullptr, const std::string& detail = "") {
    report.on_stage(plan.stages()[stage], {state, detail, {}, 0, attempt}, record, milliseconds(0));
  }
  void pass(int ms) { time += milliseconds(ms); }
  std::string log(const std::string& name, const std::string& text) {
    auto writer = logs::LogWriter::create(dir.fd(), name, dir.path()).value();
    EXPECT_TRUE(writer.append(logs::Stream::kStdout, std::as_bytes(std::span(text))).ok());
    EXPECT_TRUE(writer.end().ok());
    return writer.path();
  }
  run::StageRecord record(const std::string& stage, const std::string& log_path) const {
    run::StageRecord made;
    made.stage = stage;
    made.key = base::Sha256::of(stage);
    made.log_path = log_path;
    return made;
  }
  json written() {
    std::ifstream in(dir.path("a/b/index.html"));
    const std::string page(std::istreambuf_iterator<char>(in), {});
    const std::string begin = "id=\"data\">";
    const std::size_t from = page.find(begin) + begin.size();
    return json::parse(page.substr(from, page.find("</script", from) - from));
  }
  static scheduler::RunSummary failed() {
    scheduler::RunSummary summary;
    summary.result = scheduler::RunResult::kFailed;
    return summary;
  }

  stagebox::testing::TempDir dir;
  scheduler::Plan plan = scheduler::testing::plan("a; b: a.out, a; c: b");
  std::chrono::steady_clock::time_point time{};
};

TEST_F(HtmlReportTest, EachAttemptHasItsTimeSlotAndLog) {
  HtmlReport report = make();
  report.on_run_started("0123456789ab");
  const auto first = record("a", log("first", "tried\n"));
  const auto second = record("a", log("second", "done\n"));
  pass(5);
  tell(report, 0, StageState::kRunning);
  tell(report, 1, StageState::kRunning);
  pass(10);
  tell(report, 0, StageState::kRetrying, 1, &first, "exited with status 1");
  pass(2);
  tell(report, 0, StageState::kRunning, 2);
  pass(3);
  tell(report, 0, StageState::kSucceeded, 2, &second);
  tell(report, 1, StageState::kFailed);
  tell(report, 2, StageState::kSkipped, 0, nullptr, "b failed");
  report.on_run_finished(failed(), milliseconds(20));
  ASSERT_TRUE(report.finish().ok());
  const json stages = written().at("stages");
  const json& attempts = stages[0]["attempts"];
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_EQ(attempts[0]["start_ms"], 5);
  EXPECT_EQ(attempts[0]["end_ms"], 15);
  EXPECT_EQ(attempts[0]["state"], "retrying");
  EXPECT_EQ(attempts[0]["detail"], "exited with status 1");
  EXPECT_EQ(attempts[0]["log"]["lines"][0][1], "tried");
  EXPECT_EQ(attempts[1]["log"]["lines"][0][1], "done");
  EXPECT_EQ(attempts[1]["slot"], attempts[0]["slot"]) << "it was free again";
  EXPECT_NE(stages[1]["attempts"][0]["slot"], attempts[0]["slot"]);
  EXPECT_EQ(stages[0]["key"], base::Sha256::of("a").hex());
  EXPECT_EQ(stages[2]["state"], "skipped");
  EXPECT_EQ(stages[2]["detail"], "b failed");
  EXPECT_EQ(stages[2]["level"], 2);
  EXPECT_EQ(stages[1]["needs"], json::array({{{"from", 0}, {"outputs", {"out"}}}}))
      << "each stage once";
}

TEST_F(HtmlReportTest, EachAttemptHasTheLogsOfItsServices) {
  scheduler::Pipeline pipeline = scheduler::testing::pipeline("a; b");
  for (scheduler::Stage& stage : pipeline.stages) {
    stage.services.resize(2);
    stage.services[0].name = "db";
    stage.services[1].name = "never-started";
  }
  plan = scheduler::make_plan(std::move(pipeline)).value();
  HtmlReport report = make();
  report.on_run_started("id");
  const auto first = record("a", log("a", ""));
  const auto second = record("a", log("a", ""));
  const auto other = record("b", log("b", ""));
  log("a@db", "from the first\n");
  log("a.2@db", "from the second\n");
  log("b@db", "of another stage\n");
  tell(report, 0, StageState::kRunning);
  tell(report, 0, StageState::kRetrying, 1, &first);
  tell(report, 0, StageState::kRunning, 2);
  tell(report, 0, StageState::kFailed, 2, &second);
  tell(report, 1, StageState::kRunning);
  tell(report, 1, StageState::kSucceeded, 1, &other);
  report.on_run_finished(failed(), milliseconds(1));
  const json stages = written().at("stages");
  const auto said = [&](std::size_t stage, std::size_t attempt) {
    const json& services = stages[stage]["attempts"][attempt]["services"];
    EXPECT_EQ(services.size(), 1U);
    EXPECT_EQ(services[0]["name"], "db");
    return services[0]["log"]["lines"][0][1];
  };
  EXPECT_EQ(said(0, 0), "from the first");
  EXPECT_EQ(said(0, 1), "from the second");
  EXPECT_EQ(said(1, 0), "of another stage");
}

TEST_F(HtmlReportTest, ACachedStageHasTheLogOfItsRun) {
  HtmlReport report = make(
      {}, {[](const std::string& run, const std::string& stage) { return run + " " + stage; }});
  report.on_run_started("id");
  auto taken = record("a", log("earlier", "from before\n"));
  taken.cached_from = "0123456789ab";
  taken.verdict = run::CacheVerdict::kHit;
  tell(report, 0, StageState::kCached, 0, &taken);
  report.on_run_finished({}, milliseconds(1));
  const json stage = written().at("stages")[0];
  EXPECT_EQ(stage["attempts"][0]["number"], 0);
  EXPECT_EQ(stage["attempts"][0]["log"]["lines"][0][1], "from before");
  EXPECT_EQ(stage["cached_from"], "0123456789ab");
  EXPECT_EQ(stage["verdict"], "hit");
  EXPECT_EQ(stage["why"], "id a");
}

TEST_F(HtmlReportTest, RoomForLogsIsBoundedAndFailuresComeFirst) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "line\n";
  const std::size_t line = kLineCost + 4;
  HtmlReport report = make({15 * line, 10 * line, 8 * line});
  report.on_run_started("id");
  const auto good = record("a", log("good", text));
  const auto bad = record("b", log("bad", text));
  const auto late = record("c", log("late", text));
  const run::StageRecord* records[] = {&good, &bad, &late};
  for (std::size_t i = 0; i < 3; ++i) {
    tell(report, i, StageState::kRunning);
    tell(report, i, i == 1 ? StageState::kFailed : StageState::kSucceeded, 1, records[i]);
  }
  report.on_run_finished(failed(), milliseconds(1));
  const json stages = written().at("stages");
  EXPECT_EQ(stages[1]["attempts"][0].at("log")["lines"].size(), 10U);
  EXPECT_EQ(stages[1]["attempts"][0].at("log")["left_out"], 90);
  EXPECT_EQ(stages[0]["attempts"][0].at("log").at("lines").size(), 5U) << "what was left";
  EXPECT_TRUE(stages[2]["attempts"][0].value("log_missing", false));
}

TEST_F(HtmlReportTest, ALogThatIsGoneIsSaidToBe) {
  HtmlReport report = make();
  report.on_run_started("id");
  const auto gone = record("a", dir.path("none"));
  tell(report, 0, StageState::kRunning);
  tell(report, 0, StageState::kSucceeded, 1, &gone);
  report.on_run_finished({}, milliseconds(1));
  EXPECT_TRUE(report.finish().ok());
  EXPECT_TRUE(written().at("stages")[0]["attempts"][0]["log_missing"]);
}

TEST_F(HtmlReportTest, BytesThatAreNotUtf8AreReplaced) {
  HtmlReport report = make();
  report.on_run_started("id");
  const auto odd = record("a", log("odd", "a\xff\xfe</script>\n"));
  tell(report, 0, StageState::kRunning);
  tell(report, 0, StageState::kFailed, 1, &odd, "b\xc3");
  report.on_run_finished(failed(), milliseconds(1));
  const json stage = written().at("stages")[0];
  EXPECT_EQ(stage["attempts"][0]["log"]["lines"][0][1], "a\xef\xbf\xbd\xef\xbf\xbd</script>");
  EXPECT_EQ(stage["detail"], "b\xef\xbf\xbd");
}

TEST_F(HtmlReportTest, ALongDetailIsCut) {
  HtmlReport report = make();
  report.on_run_started("id");
  tell(report, 0, StageState::kFailed, 1, nullptr, std::string(1 << 20, 'x'));
  report.on_run_finished(failed(), milliseconds(1));
  EXPECT_LT(written().at("stages")[0]["detail"].get<std::string>().size(), 20000U);
}

TEST_F(HtmlReportTest, ADirectoryThatCannotBeMadeOrWrittenIsNamed) {
  std::ofstream(dir.path("file")) << "x";
  const auto refused = HtmlReport::open(dir.path("file"), plan, {}, {}, replace);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("write the report to"));
  HtmlReport report = make();
  std::filesystem::create_directory(dir.path("a/b/index.html"));
  report.on_run_started("id");
  report.on_run_finished({}, milliseconds(1));
  const auto finished = report.finish();
  ASSERT_FALSE(finished.ok());
  EXPECT_THAT(finished.error().message, HasSubstr(dir.path("a/b")));
}

}  // namespace
}  // namespace stagebox::report
