#include "runtime/store/runs/decision_store.h"

#include <gtest/gtest.h>

#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/store/runs/run_store.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/removed_run.h"

namespace stagebox::store {
namespace {

using base::Sha256;
using stagebox::testing::TempDir;

class DecisionStoreTest : public ::testing::Test {
 protected:
  void begin(const std::string& id, const std::string& pipeline = "p",
             const base::TrustDomain& domain = {}) {
    RunRecord run;
    run.id = id;
    run.pipeline = pipeline;
    run.file = "/f";
    run.started_at = timestamp_now();
    run.domain = domain;
    ASSERT_TRUE(runs_->begin_run(run).ok());
  }
  void stage(const std::string& run, const std::string& key, StageState state,
             const std::string& name = "s") {
    StageRow row;
    row.run_id = run;
    row.stage = name;
    row.state = state;
    if (!key.empty()) row.stage_key = Sha256::of(key);
    ASSERT_TRUE(runs_->record_stage(row).ok());
  }
  base::Result<void> decide(const Decision& decision, std::vector<std::string> messages) {
    StageChange change;
    change.stage.run_id = decision.run_id;
    change.stage.stage = decision.stage;
    change.stage.state = StageState::kSucceeded;
    change.stage.stage_key = decision.stage_key;
    change.decision = NotedDecision{decision, std::move(messages)};
    return runs_->record(decision.run_id, std::span(&change, 1));
  }

  TempDir home_;
  base::Result<RunStore> runs_ = RunStore::open(home_.path("runs.db"));
  base::Result<DecisionStore> decisions_ = runs_->decisions();
};

TEST_F(DecisionStoreTest, TellsWhatWasRecorded) {
  begin("r");
  const Decision decision{"r",        "s",   Sha256::of("k"), "expired",
                          "long ago", "few", "bb (bb.tar)",   Sha256::of("before")};
  const std::vector<std::string> messages{"one", std::string("t\0o", 3), ""};
  ASSERT_TRUE(decide(decision, messages).ok());
  EXPECT_EQ(decisions_->find("r", "s").value(), decision);
  EXPECT_EQ(decisions_->messages(Sha256::of("k")).value(), messages);
  EXPECT_FALSE(decisions_->find("r", "other")->has_value());
  EXPECT_TRUE(decisions_->messages(Sha256::of("other"))->empty());
  EXPECT_FALSE(decide({"unknown", "s", {}, "", ""}, {}).ok());
  end_and_remove(*runs_, "r");
  EXPECT_FALSE(decisions_->find("r", "s")->has_value());
}

TEST_F(DecisionStoreTest, EarlierAreThoseOfTheSamePipelineThatBeganBefore) {
  begin("a");
  stage("a", "1", StageState::kSucceeded);
  begin("b", "other");
  stage("b", "2", StageState::kSucceeded);
  begin("c");
  stage("c", "", StageState::kSkipped);
  begin("d");
  stage("d", "3", StageState::kFailed);
  begin("e");
  stage("e", "4", StageState::kSucceeded);
  begin("f");
  stage("f", "5", StageState::kSucceeded);
  const RunRecord run = runs_->find_run("e").value();
  const auto earlier = decisions_->earlier(run, {.stage = "s", .limit = 10});
  ASSERT_TRUE(earlier.ok()) << earlier.error().message;
  ASSERT_EQ(earlier->size(), 2U);
  EXPECT_EQ((*earlier)[0].run_id, "d");
  EXPECT_EQ((*earlier)[0].state, StageState::kFailed);
  EXPECT_EQ((*earlier)[1].run_id, "a");
  EXPECT_EQ((*earlier)[1].stage_key, Sha256::of("1"));
  EXPECT_EQ(decisions_->earlier(run, {.stage = "s", .limit = 1})->size(), 1U);
  EXPECT_TRUE(decisions_->earlier(run, {.stage = "t", .limit = 1})->empty());
}

TEST_F(DecisionStoreTest, EarlierAreOthersOfTheSameMatrixOrAllIfThatIsAsked) {
  begin("a");
  for (const char* name : {"m", "m[1]", "m[2, x]", "m-x[1]", "m0", "n", "l[1]"})
    stage("a", name, StageState::kSucceeded, name);
  begin("b", "p", base::TrustDomain::untrusted("pr-1").value());
  stage("b", "4", StageState::kSucceeded, "m[4]");
  begin("c");
  const RunRecord run = runs_->find_run("c").value();
  const auto names = [&](const EarlierQuery& query) {
    std::set<std::string> found;
    const auto earlier = decisions_->earlier(run, query).value();
    for (const EarlierStage& one : earlier) found.insert(one.stage);
    return found;
  };
  using Among = EarlierQuery::Among;
  using Names = std::set<std::string>;
  EXPECT_EQ(names({"m[3]", 10, Among::kMatrix}), (Names{"m", "m[1]", "m[2, x]", "m[4]"}));
  EXPECT_EQ(names({"m[3]", 10, Among::kMatrix, run.domain}), (Names{"m", "m[1]", "m[2, x]"}));
  EXPECT_EQ(names({"o[1]", 10, Among::kMatrix}), Names());
  EXPECT_EQ(names({"o", 10, Among::kAll}).size(), 8U);
  EXPECT_EQ(names({"o", 1, Among::kAll}), Names{"m[4]"}) << "the newest run first";
}

TEST_F(DecisionStoreTest, MessagesStayWhileAStageOrARecordHasTheirKey) {
  for (const char* id : {"a", "b", "c"}) {
    begin(id);
    ASSERT_TRUE(decide({id, "s", Sha256::of(id), "", ""}, {id}).ok());
  }
  end_and_remove(*runs_, "a");
  end_and_remove(*runs_, "b");
  ASSERT_TRUE(decisions_->prune({Sha256::of("a")}).ok());
  EXPECT_EQ(decisions_->messages(Sha256::of("a"))->size(), 1U) << "of a record";
  EXPECT_TRUE(decisions_->messages(Sha256::of("b"))->empty());
  EXPECT_EQ(decisions_->messages(Sha256::of("c"))->size(), 1U) << "of a run";
  EXPECT_EQ(decisions_->all_messages()->size(), 2U);
}

TEST_F(DecisionStoreTest, MessagesStayWhileAStageWasFoundUnderTheirKey) {
  begin("a");
  ASSERT_TRUE(decide({"a", "s", Sha256::of("k"), "", ""}, {"m"}).ok());
  begin("b");
  StageRow row;
  row.run_id = "b";
  row.stage = "s";
  row.state = StageState::kCached;
  row.stage_key = Sha256::of("own");
  row.cached_key = Sha256::of("k");
  ASSERT_TRUE(runs_->record_stage(row).ok());
  EXPECT_EQ(runs_->show_run("b")->stages.at(0), row);
  end_and_remove(*runs_, "a");
  ASSERT_TRUE(decisions_->prune({}).ok());
  EXPECT_EQ(decisions_->messages(Sha256::of("k"))->size(), 1U);
  end_and_remove(*runs_, "b");
  ASSERT_TRUE(decisions_->prune({}).ok());
  EXPECT_TRUE(decisions_->messages(Sha256::of("k"))->empty());
}

TEST_F(DecisionStoreTest, MessagesStayWhileARunHadFinishedAStageUnderTheirKey) {
  begin("a");
  ASSERT_TRUE(decide({"a", "s", Sha256::of("one"), "", ""}, {"m"}).ok());
  Decision again{"a", "s", Sha256::of("two"), "", ""};
  again.finished_key = Sha256::of("one");
  ASSERT_TRUE(decide(again, {"n"}).ok());
  ASSERT_TRUE(decisions_->prune({}).ok());
  EXPECT_EQ(decisions_->messages(Sha256::of("one"))->size(), 1U);
  end_and_remove(*runs_, "a");
  ASSERT_TRUE(decisions_->prune({}).ok());
  EXPECT_TRUE(decisions_->messages(Sha256::of("one"))->empty());
}

}  // namespace
}  // namespace stagebox::store
