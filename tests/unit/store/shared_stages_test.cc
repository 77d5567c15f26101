#include <gmock/gmock.h>

#include "runtime/store/runs/run_store.h"
#include "tests/unit/store/removed_run.h"
#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::ErrorKind;
using base::Sha256;
using std::chrono::milliseconds;
using ::testing::ElementsAre;

constexpr Timestamp kEnded{milliseconds(9000)};

RunRecord run_of(const std::string& id) {
  RunRecord run;
  run.id = id;
  run.pipeline = "zlib";
  run.file = "/src/stagebox.yaml";
  run.started_at = Timestamp(milliseconds(8000));
  return run;
}

RunRecord sharing(const std::string& id, const std::string& owner) {
  RunRecord run = run_of(id);
  run.started_at = Timestamp(milliseconds(10'000));
  run.ended_at = Timestamp(milliseconds(10'500));
  run.state = RunState::kSucceeded;
  run.request = "asked";
  run.stages_of = owner;
  return run;
}

StoredOutput output_of(const std::string& name) {
  StoredOutput output;
  output.name = name;
  output.path = *base::RelativePath::parse(name);
  output.digest = Sha256::of(name);
  return output;
}

class SharedStagesTest : public ::testing::Test {
 protected:
  /// A run that found both of its stages in the cache.
  void SetUp() override {
    ASSERT_TRUE(runs_->begin_run(run_of("aaaa")).ok());
    for (const char* stage : {"one", "two"}) {
      StageRow row;
      row.run_id = "aaaa";
      row.stage = stage;
      row.state = StageState::kCached;
      row.stage_key = Sha256::of(stage);
      row.ended_at = Timestamp(milliseconds(8500));
      row.cached_from = "0000";
      row.log_path = std::string("/logs/0000/") + stage;
      AttemptRow attempt;
      attempt.run_id = "aaaa";
      attempt.stage = stage;
      ASSERT_TRUE(runs_->record_stage(row, {output_of(stage)}, attempt).ok());
    }
    ASSERT_TRUE(runs_->finish_run("aaaa", RunState::kSucceeded, kEnded).ok());
  }

  base::Result<void> share(const std::string& id, const SharedStages& shared = {kEnded, true}) {
    return runs_->record_shared_run(sharing(id, "aaaa"), shared);
  }

  /// The run shows both stages as its own, found when it ended.
  void expect_whole(const std::string& id, Timestamp ended_at = Timestamp(milliseconds(10'500))) {
    const auto details = runs_->show_run(id);
    ASSERT_TRUE(details.ok()) << details.error().message;
    ASSERT_EQ(details->stages.size(), 2U) << id;
    for (const StageRow& stage : details->stages) {
      EXPECT_EQ(stage.run_id, id);
      EXPECT_EQ(stage.ended_at, ended_at);
      EXPECT_EQ(stage.cached_from, "0000");
    }
    ASSERT_EQ(details->outputs.size(), 2U) << id;
    for (const OutputRow& output : details->outputs) EXPECT_EQ(output.run_id, id);
    ASSERT_EQ(details->attempts.size(), 2U) << id;
    for (const AttemptRow& attempt : details->attempts) EXPECT_EQ(attempt.run_id, id);
  }

  testing::TempDir home_;
  base::Result<RunStore> runs_ = RunStore::open(home_.path("runs.db"));
};

TEST_F(SharedStagesTest, ARunShowsTheStagesOfAnother) {
  ASSERT_TRUE(share("bbbb").ok());
  expect_whole("bbbb");
  EXPECT_EQ(*runs_->find_run("bbbb"), sharing("bbbb", "aaaa"));
  EXPECT_EQ(runs_->all_outputs()->size(), 2U) << "they are there once";
  EXPECT_FALSE(share("bbbb").ok()) << "the id is taken";
}

TEST_F(SharedStagesTest, OnlyWhatIsStillThereIsShared) {
  EXPECT_EQ(share("bbbb", {Timestamp(milliseconds(1)), true}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(share("bbbb", {kEnded, false}).error().kind, ErrorKind::kNotFound);
  ASSERT_TRUE(share("bbbb").ok());
  const auto chained =
      runs_->record_shared_run(sharing("cccc", "bbbb"), {Timestamp(milliseconds(10'500)), true});
  EXPECT_EQ(chained.error().kind, ErrorKind::kNotFound) << "its stages are another's";
  ASSERT_TRUE(runs_->forget_outputs(*runs_->find_run("aaaa")).value());
  EXPECT_EQ(share("cccc").error().kind, ErrorKind::kNotFound);
  end_and_remove(*runs_, "aaaa");
  EXPECT_EQ(share("cccc").error().kind, ErrorKind::kNotFound);
}

TEST_F(SharedStagesTest, ARunThatFailedSharesNothing) {
  ASSERT_TRUE(runs_->begin_run(run_of("ffff")).ok());
  ASSERT_TRUE(runs_->finish_run("ffff", RunState::kFailed, kEnded).ok());
  const auto shared = runs_->record_shared_run(sharing("bbbb", "ffff"), {kEnded, false});
  EXPECT_EQ(shared.error().kind, ErrorKind::kNotFound);
}

TEST_F(SharedStagesTest, StagesOutliveTheRunThatHadThemFirst) {
  for (const char* id : {"bbbb", "cccc", "dddd"}) ASSERT_TRUE(share(id).ok());
  end_and_remove(*runs_, "aaaa");
  for (const char* id : {"bbbb", "cccc", "dddd"}) expect_whole(id);
  EXPECT_EQ(runs_->find_run("bbbb")->stages_of, "") << "the oldest has them now";
  EXPECT_EQ(runs_->find_run("dddd")->stages_of, "bbbb");
  EXPECT_EQ(runs_->log_paths()->size(), 2U);
  end_and_remove(*runs_, "cccc");  // it had none of its own
  end_and_remove(*runs_, "bbbb");
  expect_whole("dddd");
  end_and_remove(*runs_, "dddd");
  EXPECT_TRUE(runs_->all_outputs()->empty());
  EXPECT_TRUE(runs_->log_paths()->empty());
}

TEST_F(SharedStagesTest, ExplainFindsThemInEachRun) {
  ASSERT_TRUE(share("bbbb").ok());
  ASSERT_TRUE(share("cccc").ok());
  const auto earlier =
      runs_->decisions().earlier(*runs_->find_run("cccc"), {.stage = "one", .limit = 10});
  ASSERT_TRUE(earlier.ok()) << earlier.error().message;
  std::vector<std::string> ids;
  for (const EarlierStage& stage : *earlier) ids.push_back(stage.run_id);
  EXPECT_THAT(ids, ElementsAre("bbbb", "aaaa"));
}

TEST_F(SharedStagesTest, WhatIsForgottenIsForgottenForAll) {
  ASSERT_TRUE(share("bbbb").ok());
  ASSERT_TRUE(runs_->forget_outputs(*runs_->find_run("aaaa")).value());
  EXPECT_TRUE(runs_->show_run("bbbb")->outputs.empty());
  EXPECT_EQ(runs_->show_run("bbbb")->stages.size(), 2U);
}

TEST_F(SharedStagesTest, WhatAPinnedRunSharesIsNotForgotten) {
  ASSERT_TRUE(share("bbbb").ok());
  ASSERT_TRUE(runs_->pin_run("bbbb").ok());
  EXPECT_FALSE(runs_->forget_outputs(*runs_->find_run("aaaa")).value());
  expect_whole("bbbb");
}

}  // namespace
}  // namespace stagebox::store
