#include "runtime/store/runs/run_store.h"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <fstream>
#include <thread>

#include "runtime/store/runs/run_schema.h"
#include "tests/unit/store/removed_run.h"
#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::ErrorKind;
using base::Sha256;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

RunRecord run_of(const std::string& id, std::int64_t started = 1000) {
  return {.id = id,
          .pipeline = "zlib",
          .file = "/src/stagebox.yaml",
          .started_at = Timestamp(milliseconds(started)),
          .ended_at = std::nullopt,
          .state = RunState::kRunning,
          .pid = 4242,
          .instance = "0123456789ab"};
}

StageRow stage_of(const std::string& run, const std::string& stage) {
  return {.run_id = run,
          .stage = stage,
          .state = StageState::kSucceeded,
          .stage_key = Sha256::of(stage),
          .reason = "inputs changed: src/zlib.h",
          .started_at = Timestamp(milliseconds(2000)),
          .ended_at = Timestamp(milliseconds(3000)),
          .exit_report = R"({"exited":0})",
          .log_path = "logs/x",
          .cached_from = "",
          .attempts = 2};
}

StoredOutput output_of(const std::string& name) {
  return {.name = name,
          .path = *base::RelativePath::parse("out/" + name),
          .kind = OutputKind::kDirectory,
          .digest = Sha256::of(name),
          .size = 77,
          .executable = Executable::kNo,
          .total_bytes = std::uint64_t{1} << 40U};
}

class RunStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = RunStore::open(path());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    runs_ = std::make_unique<RunStore>(std::move(*opened));
  }
  [[nodiscard]] std::string path() const { return dir_.path("runs.db"); }
  void sql(const std::string& statements) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
  TempDir dir_;
  std::unique_ptr<RunStore> runs_;
};

TEST_F(RunStoreTest, AnEndedRunCanGoOnOnce) {
  RunRecord run = run_of("aaaa");
  run.request = "what was asked";
  ASSERT_TRUE(runs_->begin_run(run).ok());
  EXPECT_EQ(runs_->find_run("aaaa")->request, "what was asked");
  EXPECT_EQ(runs_->reopen_run(run).error().kind, ErrorKind::kInvalid) << "it is running";
  ASSERT_TRUE(runs_->finish_run("aaaa", RunState::kError, Timestamp(milliseconds(5))).ok());
  run.pid = 7;
  run.instance = "other";
  ASSERT_TRUE(runs_->reopen_run(run).ok());
  EXPECT_EQ(*runs_->find_run("aaaa"), run);
  EXPECT_FALSE(runs_->reopen_run(run).ok());
  EXPECT_FALSE(runs_->reopen_run(run_of("bbbb")).ok());
}

TEST_F(RunStoreTest, ARunThatGoesOnForgetsStagesThatAreGone) {
  const RunRecord run = run_of("aaaa");
  ASSERT_TRUE(runs_->begin_run(run).ok());
  ASSERT_TRUE(runs_->begin_run(run_of("bbbb")).ok());
  for (const char* id : {"aaaa", "bbbb"}) {
    for (const char* stage : {"kept", "gone"}) {
      StageChange change{.stage = stage_of(id, stage), .outputs = {{output_of("o")}}};
      AttemptRow& attempt = change.attempt.emplace();
      store::Decision& decision = change.decision.emplace().decision;
      attempt.run_id = decision.run_id = id;
      attempt.stage = decision.stage = stage;
      ASSERT_TRUE(runs_->record(id, std::span(&change, 1)).ok());
    }
  }
  ASSERT_TRUE(runs_->finish_run("aaaa", RunState::kFailed, Timestamp(milliseconds(5))).ok());
  ASSERT_TRUE(runs_->reopen_run(run, {"gone", "never there"}).ok());
  const auto details = runs_->show_run("aaaa");
  ASSERT_EQ(details->stages.size(), 1U);
  EXPECT_EQ(details->stages[0].stage, "kept");
  EXPECT_EQ(details->outputs.size(), 1U);
  EXPECT_EQ(details->attempts.size(), 1U);
  EXPECT_TRUE(runs_->decisions().find("aaaa", "kept")->has_value());
  EXPECT_FALSE(runs_->decisions().find("aaaa", "gone")->has_value());
  EXPECT_EQ(runs_->show_run("bbbb")->stages.size(), 2U) << "of another run";
}

TEST_F(RunStoreTest, ARunThatHasEndedWellStaysAsItIs) {
  ASSERT_TRUE(runs_->begin_run(run_of("aaaa")).ok());
  ASSERT_TRUE(runs_->finish_run("aaaa", RunState::kSucceeded, Timestamp(milliseconds(5))).ok());
  EXPECT_EQ(runs_->reopen_run(run_of("aaaa")).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(runs_->find_run("aaaa")->state, RunState::kSucceeded);
}

TEST_F(RunStoreTest, ARunStaysInItsTrustDomain) {
  RunRecord run = run_of("aaaa");
  run.domain = base::TrustDomain::untrusted("pr-12").value();
  ASSERT_TRUE(runs_->begin_run(run).ok());
  ASSERT_TRUE(runs_->finish_run("aaaa", RunState::kError, Timestamp(milliseconds(5))).ok());
  EXPECT_EQ(runs_->find_run("aaaa")->domain.text(), "untrusted/pr-12");
  run.domain = {};
  ASSERT_TRUE(runs_->reopen_run(run).ok());
  EXPECT_EQ(runs_->find_run("aaaa")->domain.text(), "untrusted/pr-12");
  sql("UPDATE runs SET domain = 'Trusted'");
  EXPECT_EQ(runs_->find_run("aaaa").error().kind, ErrorKind::kCorrupt);
}

TEST_F(RunStoreTest, ARunIsToldAsItWasRecorded) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  StageRow skipped;
  skipped.run_id = "r1";
  skipped.stage = "test[small]";
  skipped.state = StageState::kSkipped;
  ASSERT_TRUE(runs_->record_stage(skipped).ok());
  ASSERT_TRUE(runs_->record_stage(stage_of("r1", "build"), {output_of("b"), output_of("a")}).ok());
  ASSERT_TRUE(runs_->finish_run("r1", RunState::kFailed, Timestamp(milliseconds(9000))).ok());
  const auto details = runs_->show_run("r1");
  ASSERT_TRUE(details.ok()) << details.error().message;
  RunRecord expected = run_of("r1");
  expected.state = RunState::kFailed;
  expected.ended_at = Timestamp(milliseconds(9000));
  EXPECT_EQ(details->run, expected);
  EXPECT_THAT(details->stages, ::testing::ElementsAre(skipped, stage_of("r1", "build")));
  EXPECT_THAT(details->outputs, ::testing::ElementsAre(OutputRow{"r1", "build", output_of("a")},
                                                       OutputRow{"r1", "build", output_of("b")}));
}

AttemptRow attempt_of(std::int64_t number, StageState state) {
  return {.run_id = "r1",
          .stage = "build",
          .number = number,
          .state = state,
          .reason = "exited with status 75",
          .started_at = Timestamp(milliseconds(2000 * number)),
          .ended_at = Timestamp(milliseconds(2500 * number)),
          .exit_report = R"({"exited":75})",
          .log_path = "logs/build." + std::to_string(number)};
}

TEST_F(RunStoreTest, EachAttemptIsKept) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  StageRow stage = stage_of("r1", "build");
  for (std::int64_t number = 1; number <= 2; ++number) {
    AttemptRow attempt = attempt_of(number, StageState::kRunning);
    attempt.ended_at.reset();
    ASSERT_TRUE(runs_->record_stage(stage, {}, attempt).ok());
    ASSERT_TRUE(runs_->record_stage(stage, {}, attempt_of(number, StageState::kFailed)).ok());
  }
  EXPECT_THAT(runs_->show_run("r1")->attempts,
              ::testing::ElementsAre(attempt_of(1, StageState::kFailed),
                                     attempt_of(2, StageState::kFailed)));
  end_and_remove(*runs_, "r1");
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  EXPECT_TRUE(runs_->show_run("r1")->attempts.empty());
}

TEST_F(RunStoreTest, WhatWasGoingOnInADeadRunIsAnError) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  ASSERT_TRUE(runs_->record_stage(stage_of("r1", "done")).ok());
  StageRow stage = stage_of("r1", "build");
  stage.state = StageState::kRunning;
  ASSERT_TRUE(runs_->record_stage(stage, {}, attempt_of(1, StageState::kRunning)).ok());
  ASSERT_TRUE(runs_->finish_broken_run("r1", Timestamp(milliseconds(9000)), "it was killed").ok());
  const auto details = runs_->show_run("r1");
  EXPECT_EQ(details->run.state, RunState::kError);
  EXPECT_EQ(details->stages[0], stage_of("r1", "done"));
  EXPECT_EQ(details->stages[1].state, StageState::kError);
  EXPECT_EQ(details->attempts[0].state, StageState::kError);
  EXPECT_EQ(details->attempts[0].ended_at, Timestamp(milliseconds(9000)));
}

TEST_F(RunStoreTest, RecordingAgainReplaces) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  StageRow stage = stage_of("r1", "build");
  stage.state = StageState::kRunning;
  stage.ended_at.reset();
  ASSERT_TRUE(runs_->record_stage(stage, {output_of("a")}).ok());
  ASSERT_TRUE(runs_->record_stage(stage_of("r1", "build")).ok());
  StoredOutput changed = output_of("a");
  changed.size = 1;
  ASSERT_TRUE(runs_->record_output({"r1", "build", changed}).ok());
  const auto details = runs_->show_run("r1");
  EXPECT_THAT(details->stages, ::testing::ElementsAre(stage_of("r1", "build")));
  EXPECT_THAT(details->outputs, ::testing::ElementsAre(OutputRow{"r1", "build", changed}));
}

// What a failed attempt left is nothing of the next one's.
TEST_F(RunStoreTest, AnotherAttemptForgetsTheOutputsOfTheLast) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  StageRow stage = stage_of("r1", "build");
  const auto outputs = [&] { return runs_->show_run("r1")->outputs.size(); };
  stage.state = StageState::kRetrying;
  stage.attempts = 1;
  ASSERT_TRUE(runs_->record_stage(stage_of("r1", "other"), {output_of("a")}).ok());
  ASSERT_TRUE(runs_->record_stage(stage, {output_of("a")}).ok());
  EXPECT_EQ(outputs(), 2U);
  stage.state = StageState::kRunning;
  stage.attempts = 2;
  ASSERT_TRUE(runs_->record_stage(stage).ok());
  EXPECT_EQ(outputs(), 1U);
  stage.state = StageState::kFailed;
  ASSERT_TRUE(runs_->record_stage(stage, {output_of("b")}).ok());
  EXPECT_EQ(outputs(), 2U);
  stage.state = StageState::kCached;  // A run that was resumed.
  ASSERT_TRUE(runs_->record_stage(stage, {output_of("a")}).ok());
  EXPECT_EQ(runs_->show_run("r1")->outputs.front().output.name, "a");
  EXPECT_EQ(outputs(), 2U);
}

TEST_F(RunStoreTest, DurationsAreTheMedianOfTheLastSuccesses) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  const auto record = [&](const std::string& stage, std::optional<milliseconds> took) {
    StageChange change{.stage = stage_of("r1", stage), .took = took};
    ASSERT_TRUE(runs_->record("r1", std::span(&change, 1)).ok());
  };
  record("build", milliseconds(900'000));  // Hung once.
  for (const int took : {100, 300, 200}) record("build", milliseconds(took));
  record("build", std::nullopt);
  record("test", milliseconds(7));
  using Durations = std::map<std::string, milliseconds>;
  EXPECT_EQ(*runs_->stage_durations("zlib"),
            (Durations{{"build", milliseconds(300)}, {"test", milliseconds(7)}}));
  for (const int took : {50, 60, 70}) record("build", milliseconds(took));
  EXPECT_EQ(runs_->stage_durations("zlib")->at("build"), milliseconds(70)) << "the last five";
  EXPECT_TRUE(runs_->stage_durations("other")->empty());
  RunRecord nameless = run_of("r2");
  nameless.pipeline = "";
  ASSERT_TRUE(runs_->begin_run(nameless).ok());
  StageChange change{.stage = stage_of("r2", "x"), .took = milliseconds(5)};
  ASSERT_TRUE(runs_->record("r2", std::span(&change, 1)).ok());
  EXPECT_EQ(runs_->stage_durations("/src/stagebox.yaml")->size(), 1U);
}

TEST_F(RunStoreTest, ManyChangesAreOneTransaction) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  std::vector<StageChange> changes;
  for (int i = 0; i < 500; ++i)
    changes.push_back(
        {.stage = stage_of("r1", "s" + std::to_string(i)), .outputs = {output_of("o")}});
  ASSERT_TRUE(runs_->record("r1", changes).ok());
  EXPECT_EQ(runs_->show_run("r1")->stages.size(), 500U);
  EXPECT_EQ(runs_->show_run("r1")->outputs.size(), 500U);
  EXPECT_EQ(runs_->record("r2", changes).error().kind, ErrorKind::kNotFound);
}

TEST_F(RunStoreTest, NothingIsRecordedForWhatIsNotThere) {
  EXPECT_EQ(runs_->record_stage(stage_of("no", "build")).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(runs_->finish_run("no", RunState::kFailed, timestamp_now()).error().kind,
            ErrorKind::kNotFound);
  EXPECT_EQ(runs_->show_run("no").error().kind, ErrorKind::kNotFound);
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  EXPECT_EQ(runs_->record_output({"r1", "no", output_of("a")}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(runs_->begin_run(run_of("r1")).error().kind, ErrorKind::kInvalid);
}

TEST_F(RunStoreTest, ListsTheNewestFirst) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(runs_->begin_run(run_of("r" + std::to_string(i), 1000 + i % 3)).ok());
  }
  std::vector<std::string> ids;
  const auto listed = runs_->list_runs(3);
  for (const RunRecord& run : *listed) ids.push_back(run.id);
  EXPECT_THAT(ids, ::testing::ElementsAre("r2", "r4", "r1"));
  EXPECT_EQ(runs_->list_runs(static_cast<std::size_t>(-1))->size(), 5U);
  EXPECT_TRUE(runs_->list_runs(0)->empty());
  EXPECT_EQ(*runs_->count_runs(), 5U);
  ASSERT_TRUE(runs_->finish_run("r2", RunState::kSucceeded, timestamp_now()).ok());
  EXPECT_EQ(runs_->unfinished_runs()->size(), 4U);
}

TEST_F(RunStoreTest, FindsByUniqueBeginning) {
  EXPECT_EQ(runs_->find_run("last").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(runs_->find_run("last").error().message, "there are no runs yet");
  ASSERT_TRUE(runs_->begin_run(run_of("abc", 1)).ok());
  ASSERT_TRUE(runs_->begin_run(run_of("abcd", 3)).ok());
  ASSERT_TRUE(runs_->begin_run(run_of("x%y", 2)).ok());
  EXPECT_EQ(runs_->find_run("abc")->id, "abc") << "the very id wins";
  EXPECT_EQ(runs_->find_run("abcd")->id, "abcd");
  EXPECT_EQ(runs_->find_run("ab").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(runs_->find_run("x")->id, "x%y");
  EXPECT_EQ(runs_->find_run("%").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(runs_->find_run("").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(runs_->find_run("last")->id, "abcd");
  EXPECT_EQ(runs_->show_run("ab").error().kind, ErrorKind::kNotFound);
}

TEST_F(RunStoreTest, RemovingARunTakesEverythingOfIt) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  ASSERT_TRUE(runs_->begin_run(run_of("r2")).ok());
  for (const char* run : {"r1", "r2"}) {
    ASSERT_TRUE(runs_->record_stage(stage_of(run, "build"), {output_of("a")}).ok());
  }
  EXPECT_EQ(runs_->all_outputs()->size(), 2U);
  end_and_remove(*runs_, "r1");
  ASSERT_EQ(runs_->all_outputs()->size(), 1U);
  EXPECT_EQ(runs_->all_outputs()->front().run_id, "r2");
}

// Who removes runs has listed them before.
TEST_F(RunStoreTest, WhatWasResumedOrPinnedSinceItWasListedLosesNothing) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  ASSERT_TRUE(runs_->record_stage(stage_of("r1", "build"), {output_of("a")}).ok());
  const auto stays = [this](const RunRecord& listed) {
    EXPECT_FALSE(runs_->forget_outputs(listed).value());
    EXPECT_FALSE(runs_->remove_run(listed).value());
    EXPECT_EQ(runs_->show_run("r1")->outputs.size(), 1U);
  };
  stays(*runs_->find_run("r1"));
  ASSERT_TRUE(runs_->finish_run("r1", RunState::kError, Timestamp(milliseconds(5))).ok());
  const RunRecord listed = *runs_->find_run("r1");
  ASSERT_TRUE(runs_->reopen_run(listed).ok());
  stays(listed);
  ASSERT_TRUE(runs_->finish_run("r1", RunState::kError, Timestamp(milliseconds(9))).ok());
  stays(listed);
  const RunRecord again = *runs_->find_run("r1");
  ASSERT_TRUE(runs_->pin_run("r1").ok());
  stays(again);
  ASSERT_TRUE(runs_->unpin_run("r1").ok());
  EXPECT_TRUE(runs_->forget_outputs(again).value());
  EXPECT_FALSE(runs_->forget_outputs(again).value()) << "there are none any more";
  EXPECT_TRUE(runs_->remove_run(again).value());
  EXPECT_FALSE(runs_->remove_run(again).value());
}

TEST_F(RunStoreTest, TextIsDataNeverSql) {
  RunRecord run = run_of("r'); DROP TABLE runs; --");
  run.pipeline = std::string("nul\0inside", 10);
  ASSERT_TRUE(runs_->begin_run(run).ok());
  EXPECT_EQ(runs_->show_run(run.id)->run, run);
}

TEST_F(RunStoreTest, SurvivesReopeningAndSeveralConnections) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  const auto other = RunStore::open(path());
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE(other->begin_run(run_of("r2")).ok());
  EXPECT_EQ(runs_->list_runs(9)->size(), 2U);
  runs_.reset();
  EXPECT_EQ(RunStore::open(path())->list_runs(9)->size(), 2U);
}

TEST_F(RunStoreTest, ThreadsAndConnectionsMayWriteAtOnce) {
  const auto other = RunStore::open(path());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const RunStore& mine = t % 2 == 0 ? *runs_ : *other;
      for (int i = 0; i < 10; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        EXPECT_TRUE(mine.begin_run(run_of(id)).ok());
        EXPECT_TRUE(mine.record_stage(stage_of(id, "s"), {output_of("o")}).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(runs_->list_runs(100)->size(), 40U);
  EXPECT_EQ(runs_->all_outputs()->size(), 40U);
}

TEST_F(RunStoreTest, ADatabaseOfTheFirstVersionIsBroughtUpToDate) {
  ASSERT_TRUE(runs_->begin_run(run_of("aaaa")).ok());
  runs_.reset();
  sql("DROP INDEX runs_by_stages_of; ALTER TABLE runs DROP COLUMN stages_of");
  sql("ALTER TABLE runs DROP COLUMN request; ALTER TABLE runs DROP COLUMN domain");
  sql("ALTER TABLE stages DROP COLUMN taken_from; ALTER TABLE stages DROP COLUMN cached_key");
  sql("DROP TABLE attempts; DROP TABLE "
      "stage_durations");
  sql("PRAGMA user_version=1");
  for (const char* later : {"decisions", "key_messages", "pins", "cache_snapshots", "test_reports",
                            "kept_trees", "kept_workspaces", "coverage", "summaries"})
    sql(std::string("DROP TABLE ") + later);
  const auto opened = RunStore::open(path());
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(*opened->find_run("aaaa"), run_of("aaaa"));
}

TEST_F(RunStoreTest, ANewerSchemaIsRefused) {
  runs_.reset();
  sql("PRAGMA user_version=" + std::to_string(current_run_schema() + 1));
  const auto opened = RunStore::open(path());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind, ErrorKind::kUnsupported);
  EXPECT_THAT(opened.error().message, HasSubstr("newer Stagebox"));
}

TEST_F(RunStoreTest, AForeignDatabaseIsLeftAlone) {
  const std::string foreign = dir_.path("foreign.db");
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(foreign.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "CREATE TABLE t(x)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  const auto opened = RunStore::open(foreign);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(opened.error().message, HasSubstr("another program"));
}

// The first of two who begin at once has not made its tables yet.
TEST_F(RunStoreTest, ANewDatabaseThatIsBeingWrittenIsWaitedFor) {
  const std::string fresh = dir_.path("fresh.db");
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(fresh.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  std::thread first([database] {
    std::this_thread::sleep_for(milliseconds(50));
    EXPECT_EQ(sqlite3_exec(database, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  });
  const auto opened = RunStore::open(fresh);
  first.join();
  EXPECT_TRUE(opened.ok()) << opened.error().message;
  sqlite3_close(database);
}

TEST_F(RunStoreTest, ADamagedDatabaseIsCorruptWithARemedy) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(runs_->begin_run(run_of("run " + std::to_string(i), i)).ok());
  }
  runs_.reset();
  const std::string good = *base::read_file(path(), std::size_t{1} << 24U);
  std::ofstream(path(), std::ios::binary) << "this is no database at all, but long enough to be";
  const auto garbage = RunStore::open(path());
  ASSERT_FALSE(garbage.ok());
  EXPECT_EQ(garbage.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(garbage.error().message, HasSubstr("move it away"));

  std::string holed = good;
  for (std::size_t i = 4096; i < holed.size(); ++i) holed[i] = 'x';
  std::ofstream(path(), std::ios::binary) << holed;
  const auto opened = RunStore::open(path());
  const auto listed =
      opened.ok() ? opened->list_runs(300) : base::Result<std::vector<RunRecord>>(opened.error());
  ASSERT_FALSE(listed.ok());
  EXPECT_EQ(listed.error().kind, ErrorKind::kCorrupt) << listed.error().message;
}

// The table and its index have it; nobody who asks for the run sees that they do not agree.
TEST_F(RunStoreTest, ACheckFindsThatRowsAreLost) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  ASSERT_TRUE(runs_->record_stage(stage_of("r1", "s"), {output_of("needle")}).ok());
  EXPECT_TRUE(runs_->check().ok());
  runs_.reset();
  std::string damaged = *base::read_file(path(), std::size_t{1} << 24U);
  damaged.replace(damaged.find("needle"), 6, "noodle");
  std::ofstream(path(), std::ios::binary) << damaged;
  const auto opened = RunStore::open(path());
  ASSERT_TRUE(opened.ok() && opened->show_run("r1").ok());
  const auto checked = opened->check();
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(checked.error().message, HasSubstr("move it away"));
}

TEST_F(RunStoreTest, RowsThatWeDidNotWriteAreCorrupt) {
  ASSERT_TRUE(runs_->begin_run(run_of("r1")).ok());
  ASSERT_TRUE(runs_->record_stage(stage_of("r1", "s"), {output_of("o")}).ok());
  sql("UPDATE outputs SET path = '../up'");
  EXPECT_EQ(runs_->show_run("r1").error().kind, ErrorKind::kCorrupt);
  sql("DELETE FROM outputs; UPDATE stages SET stage_key = 'zz'");
  EXPECT_EQ(runs_->show_run("r1").error().kind, ErrorKind::kCorrupt);
  sql("UPDATE runs SET state = 'dancing'");
  EXPECT_EQ(runs_->list_runs(1).error().kind, ErrorKind::kCorrupt);
}

TEST(RunStates, NamesRoundTrip) {
  for (int i = 0; i <= static_cast<int>(RunState::kError); ++i) {
    const auto state = static_cast<RunState>(i);
    EXPECT_EQ(parse_run_state(run_state_name(state)).value(), state);
  }
  for (int i = 0; i <= static_cast<int>(StageState::kError); ++i) {
    const auto state = static_cast<StageState>(i);
    EXPECT_EQ(parse_stage_state(stage_state_name(state)).value(), state);
  }
  EXPECT_FALSE(parse_run_state("cached").ok());
}

}  // namespace
}  // namespace stagebox::store
