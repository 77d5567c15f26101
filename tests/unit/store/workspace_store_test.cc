#include "runtime/store/runs/workspace_store.h"

#include <gtest/gtest.h>

#include "runtime/store/runs/run_store.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/removed_run.h"

namespace stagebox::store {
namespace {

using base::Sha256;
using stagebox::testing::TempDir;

class WorkspaceStoreTest : public ::testing::Test {
 protected:
  void begin(const std::string& id) {
    RunRecord run;
    run.id = id;
    run.pipeline = "p";
    run.file = "/f";
    run.started_at = timestamp_now();
    ASSERT_TRUE(runs_->begin_run(run).ok());
  }
  void attempt(const std::string& run, std::int64_t number, StageState state,
               const std::optional<KeptWorkspace>& workspace = std::nullopt) {
    StageChange change;
    change.stage.run_id = run;
    change.stage.stage = "s";
    change.stage.stage_key = Sha256::of("key");
    change.attempt = AttemptRow{};
    change.attempt->run_id = run;
    change.attempt->stage = "s";
    change.attempt->number = number;
    change.attempt->state = state;
    change.attempt->ended_at = Timestamp(std::chrono::milliseconds(number));
    change.workspace = workspace;
    ASSERT_TRUE(runs_->record(run, std::span(&change, 1)).ok());
  }

  [[nodiscard]] WorkspaceRow of_run(const std::string& run) const {
    const auto rows = store_->all();
    for (const WorkspaceRow& row : rows.value()) {
      if (row.run_id == run) return row;
    }
    return {};
  }

  TempDir home_;
  base::Result<RunStore> runs_ = RunStore::open(home_.path("runs.db"));
  base::Result<WorkspaceStore> store_ = runs_->workspaces();
  const KeptWorkspace kept_{{{"", Sha256::of("all"), 7}, {"a/b", Sha256::of("part"), 8}}, ""};
};

TEST_F(WorkspaceStoreTest, TellsWhatWasKept) {
  begin("r");
  attempt("r", 3, StageState::kFailed, kept_);
  EXPECT_EQ(store_->find("r", "s").value(), kept_);
  EXPECT_FALSE(store_->find("r", "other")->has_value());
  const auto all = store_->all().value();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].run_id, "r");
  EXPECT_EQ(all[0].stage, "s");
  EXPECT_EQ(all[0].stage_key, Sha256::of("key"));
  EXPECT_EQ(all[0].kept_at, Timestamp(std::chrono::milliseconds(3)));
  EXPECT_EQ(all[0].workspace, kept_);
}

TEST_F(WorkspaceStoreTest, OneThatFailsReplacesAnother) {
  begin("r");
  attempt("r", 1, StageState::kFailed, kept_);
  const KeptWorkspace missing{{}, "too large"};
  attempt("r", 2, StageState::kFailed, missing);
  EXPECT_EQ(store_->find("r", "s").value(), missing);
}

TEST_F(WorkspaceStoreTest, AnAttemptThatLeavesNoneLetsTheLastOneBe) {
  begin("r");
  attempt("r", 1, StageState::kFailed, kept_);
  for (const StageState state :
       {StageState::kRunning, StageState::kError, StageState::kCancelled}) {
    attempt("r", 2, state);
    EXPECT_EQ(store_->find("r", "s").value(), kept_);
  }
  attempt("r", 2, StageState::kSucceeded);
  EXPECT_FALSE(store_->find("r", "s")->has_value());
}

TEST_F(WorkspaceStoreTest, IsForgottenAloneOrWithItsRun) {
  begin("r");
  begin("q");
  attempt("r", 1, StageState::kFailed, kept_);
  attempt("q", 1, StageState::kFailed, kept_);
  const WorkspaceRow listed = of_run("r");
  EXPECT_TRUE(store_->forget(listed).value());
  EXPECT_FALSE(store_->forget(listed).value()) << "nothing there is success";
  EXPECT_FALSE(store_->find("r", "s")->has_value());
  EXPECT_EQ(store_->find("q", "s").value(), kept_);
  end_and_remove(*runs_, "q");
  EXPECT_TRUE(store_->all()->empty());
}

TEST_F(WorkspaceStoreTest, WhatWasKeptAnewOrPinnedSinceIsNotForgotten) {
  begin("r");
  attempt("r", 1, StageState::kFailed, kept_);
  const WorkspaceRow listed = of_run("r");
  attempt("r", 2, StageState::kFailed, kept_);
  EXPECT_FALSE(store_->forget(listed).value());
  const WorkspaceRow later = of_run("r");
  ASSERT_TRUE(runs_->pin_run("r").ok());
  EXPECT_FALSE(store_->forget(later).value());
  EXPECT_EQ(store_->find("r", "s").value(), kept_);
}

}  // namespace
}  // namespace stagebox::store
