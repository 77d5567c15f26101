#include "runtime/store/runs/coverage_store.h"

#include <gtest/gtest.h>

#include "runtime/store/runs/run_store.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/removed_run.h"

namespace stagebox::store {
namespace {

using base::Sha256;
using stagebox::testing::TempDir;

CoverageRef covered(std::uint64_t lines, std::uint64_t all = 10) {
  return {.blob = {Sha256::of(std::to_string(lines)), 1}, .lines = all, .lines_covered = lines};
}

class CoverageStoreTest : public ::testing::Test {
 protected:
  void begin(const std::string& id, const std::string& domain = "trusted",
             const std::string& pipeline = "p", const std::string& file = "/f") {
    RunRecord run;
    run.id = id;
    run.pipeline = pipeline;
    run.file = file;
    run.started_at = timestamp_now();
    run.domain = base::TrustDomain::parse(domain).value();
    ASSERT_TRUE(runs_->begin_run(run).ok());
  }
  /// Attempt 0: taken from the cache.
  void measured(const std::string& run, std::int64_t attempt, const CoverageRef& coverage,
                StageState state) {
    StageChange change;
    change.stage.run_id = run;
    change.stage.stage = "s";
    change.stage.state = state;
    change.coverage = coverage;
    if (attempt != 0) {
      change.attempt = AttemptRow{};
      change.attempt->run_id = run;
      change.attempt->stage = "s";
      change.attempt->number = attempt;
    }
    ASSERT_TRUE(runs_->record(run, std::span(&change, 1)).ok());
  }
  /// "run:lines", or "none".
  std::string last(const std::string& run) {
    const auto found = store_->last_trusted(run, "s");
    if (!found.ok() || !*found) return found.ok() ? "none" : found.error().message;
    return (*found)->run_id + ":" + std::to_string((*found)->coverage.lines_covered);
  }

  TempDir home_;
  base::Result<RunStore> runs_ = RunStore::open(home_.path("runs.db"));
  base::Result<CoverageStore> store_ = runs_->coverage();
};

TEST_F(CoverageStoreTest, ARunHasThatOfItsAttempts) {
  begin("r");
  measured("r", 1, covered(1), StageState::kRetrying);
  measured("r", 2, covered(2), StageState::kSucceeded);
  const auto details = runs_->show_run("r");
  ASSERT_TRUE(details.ok());
  EXPECT_EQ(details->coverage,
            (std::vector<CoverageRow>{{"r", "s", 1, covered(1)}, {"r", "s", 2, covered(2)}}));
  EXPECT_TRUE(details->tests.empty());
  EXPECT_EQ(store_->all()->size(), 2U);
  end_and_remove(*runs_, "r");
  EXPECT_TRUE(store_->all()->empty());
}

TEST_F(CoverageStoreTest, SummariesAreKeptAsItIs) {
  begin("r");
  StageChange change;
  change.stage.run_id = "r";
  change.stage.stage = "s";
  change.stage.state = StageState::kCached;
  change.summary = SummaryRef{.blob = {Sha256::of("said"), 4}, .lines = 12};
  ASSERT_TRUE(runs_->record("r", std::span(&change, 1)).ok());
  EXPECT_EQ(runs_->show_run("r")->summaries,
            (std::vector<SummaryRow>{{"r", "s", 0, *change.summary}}));
  EXPECT_EQ(runs_->summary_blobs().value(), std::vector{Sha256::of("said")});
  end_and_remove(*runs_, "r");
  EXPECT_TRUE(runs_->summary_blobs()->empty());
}

TEST_F(CoverageStoreTest, TheLastIsOfTheSamePipelineAndStage) {
  begin("a");
  EXPECT_EQ(last("a"), "none");
  measured("a", 1, covered(1), StageState::kRetrying);
  measured("a", 2, covered(2), StageState::kSucceeded);
  EXPECT_EQ(last("a"), "none") << "a run is not compared with itself";
  begin("b", "trusted", "other");
  measured("b", 1, covered(3), StageState::kSucceeded);
  begin("c");
  EXPECT_EQ(last("c"), "a:2");
  begin("d");
  measured("d", 1, covered(4), StageState::kSucceeded);
  EXPECT_EQ(last("c"), "a:2") << "what began later is not the last";
  EXPECT_EQ(store_->last_trusted("d", "t")->has_value(), false);
  begin("e", "trusted", "", "/x");
  EXPECT_EQ(last("e"), "none");
  measured("e", 1, covered(5), StageState::kSucceeded);
  begin("f", "trusted", "", "/x");
  EXPECT_EQ(last("f"), "e:5");
}

TEST_F(CoverageStoreTest, ItIsOfAStageThatSucceededAndHadLines) {
  begin("a");
  measured("a", 1, covered(1), StageState::kSucceeded);
  begin("b");
  measured("b", 1, covered(9), StageState::kFailed);
  begin("c");
  measured("c", 1, covered(0, 0), StageState::kSucceeded);
  begin("d");
  EXPECT_EQ(last("d"), "a:1");
}

TEST_F(CoverageStoreTest, WhatWasTakenFromTheCacheCountsToo) {
  begin("a");
  measured("a", 1, covered(1), StageState::kFailed);
  measured("a", 0, covered(2), StageState::kCached);
  begin("b");
  EXPECT_EQ(last("b"), "a:2");
  measured("b", 0, covered(3), StageState::kCached);
  measured("b", 1, covered(4), StageState::kSucceeded);
  begin("c");
  EXPECT_EQ(last("c"), "b:4");
}

TEST_F(CoverageStoreTest, AnUntrustedRunIsNeverTheLast) {
  begin("t");
  measured("t", 1, covered(1), StageState::kSucceeded);
  begin("u", "untrusted/pr-1");
  measured("u", 1, covered(9), StageState::kSucceeded);
  begin("v", "untrusted/pr-1");
  EXPECT_EQ(last("v"), "t:1");
  begin("w");
  EXPECT_EQ(last("w"), "t:1");
}

}  // namespace
}  // namespace stagebox::store
