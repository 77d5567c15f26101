#include "runtime/run/run_recorder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "runtime/store/runs/sqlite.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::run {
namespace {

using scheduler::StageState;
using ::testing::ElementsAre;

class Told final : public RunListener {
 public:
  void on_run_started(const std::string& /*run_id*/) override {}
  void on_stage(const scheduler::PlannedStage& stage, const scheduler::StageOutcome& outcome,
                const StageRecord* /*record*/, std::chrono::milliseconds /*elapsed*/) override {
    states.push_back(stage.stage.id + " " + std::string(scheduler::to_string(outcome.state)));
  }
  void on_run_finished(const scheduler::RunSummary& /*summary*/,
                       std::chrono::milliseconds /*elapsed*/) override {}
  std::vector<std::string> states;
};

class RunRecorderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store::RunRecord run;
    run.id = "r";
    run.file = "/f";
    run.started_at = store::timestamp_now();
    ASSERT_TRUE(runs_->begin_run(run).ok());
  }
  void tell(std::size_t index, StageState state, unsigned attempt = 1) {
    const scheduler::PlannedStage& planned = plan_.stages()[index];
    scheduler::StageOutcome outcome{.state = state};
    outcome.attempt = attempt;
    if (scheduler::is_final(state)) records_.put(planned.stage.id, ended(planned.stage.id));
    if (state == StageState::kRetrying) records_.put(planned.stage.id, std::nullopt);
    const scheduler::StageChange change{&planned, outcome, std::chrono::system_clock::now()};
    recorder_.on_changes(std::span(&change, 1));
  }
  static StageRecord ended(const std::string& stage) {
    StageRecord record;
    record.stage = stage;
    record.key = base::Sha256::of(stage);
    record.outputs.push_back({.name = "o",
                              .path = *base::RelativePath::parse("o"),
                              .kind = store::OutputKind::kFile,
                              .digest = base::Sha256::of("o")});
    return record;
  }
  /// As on a full disk, but for what is read.
  void refuse_writes() {
    sql("CREATE TRIGGER full BEFORE INSERT ON stages BEGIN "
        "SELECT RAISE(ABORT, 'no space'); END");
  }
  void take_writes() { sql("DROP TRIGGER full"); }
  void sql(const char* statement) {
    auto database = store::Database::open(home_.path("runs.db"));
    ASSERT_TRUE(database.ok());
    EXPECT_TRUE(database->execute(statement).ok());
  }
  /// "a succeeded" for each stage on record.
  [[nodiscard]] std::vector<std::string> recorded() const {
    std::vector<std::string> states;
    const auto run = runs_->show_run("r");
    for (const store::StageRow& row : run->stages)
      states.push_back(row.stage + " " + std::string(store::stage_state_name(row.state)));
    return states;
  }

  testing::TempDir home_;
  base::Result<store::RunStore> runs_ = store::RunStore::open(home_.path("runs.db"));
  base::Result<store::ActionCache> actions_ = store::ActionCache::open(home_.fd());
  base::Result<store::ContentStore> content_ = store::ContentStore::open(home_.fd());
  StageCache cache_{*actions_, *content_, {}, {}};
  scheduler::Plan plan_ = scheduler::testing::plan("a; b");
  StageRecords records_;
  Told told_;
  DiskSync disk_{[] { return base::Result<void>(); }};
  RunRecorder recorder_{*runs_, "r",   cache_, records_,
                        told_,  disk_, {},     RunRecorder::Durations::kKept};
};

TEST_F(RunRecorderTest, WhatCouldNotBeWrittenIsWrittenWithWhatComesLater) {
  tell(0, StageState::kRunning);
  refuse_writes();
  tell(0, StageState::kRetrying);
  tell(0, StageState::kRunning, 2);
  tell(0, StageState::kSucceeded, 2);
  EXPECT_THAT(told_.states, ElementsAre("a running", "a retrying", "a running", "a succeeded"));
  EXPECT_THAT(recorded(), ElementsAre("a running"));
  take_writes();
  tell(1, StageState::kRunning);
  ASSERT_TRUE(recorder_.finish().ok());
  EXPECT_THAT(recorded(), ElementsAre("a succeeded", "b running"));
  const auto details = runs_->show_run("r");
  ASSERT_EQ(details->outputs.size(), 1U);
  EXPECT_EQ(details->outputs[0].stage, "a");
  ASSERT_EQ(details->attempts.size(), 3U);
  EXPECT_EQ(details->attempts[0].state, store::StageState::kFailed);
  EXPECT_EQ(details->attempts[1].state, store::StageState::kSucceeded);
}

TEST_F(RunRecorderTest, TheEndIsTriedAgain) {
  tell(0, StageState::kRunning);
  refuse_writes();
  tell(0, StageState::kSucceeded);
  EXPECT_FALSE(recorder_.finish().ok());
  EXPECT_FALSE(recorder_.finish().ok()) << "it is not forgotten that something is missing";
  take_writes();
  EXPECT_TRUE(recorder_.finish().ok());
  EXPECT_THAT(recorded(), ElementsAre("a succeeded"));
}

TEST_F(RunRecorderTest, AResultThatIsNotWrittenIsNoMissingRecord) {
  ASSERT_TRUE(cache_.record(plan_.stages()[0].stage, base::Sha256::of("a"), {}).ok());
  ASSERT_EQ(::unlinkat(home_.fd(), "ac", AT_REMOVEDIR), 0);
  tell(0, StageState::kSucceeded);
  EXPECT_TRUE(recorder_.finish().ok());
  EXPECT_FALSE(recorder_.finish_cache().ok());
}

}  // namespace
}  // namespace stagebox::run
