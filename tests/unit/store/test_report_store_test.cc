#include "runtime/store/runs/test_report_store.h"

#include <gtest/gtest.h>

#include "runtime/store/runs/run_store.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/removed_run.h"

namespace stagebox::store {
namespace {

using base::Sha256;
using stagebox::testing::TempDir;

TestReportRef report(const std::string& content) {
  return {.blob = {Sha256::of(content), content.size()}, .passed = 5, .failed = 2, .skipped = 1};
}

class TestReportStoreTest : public ::testing::Test {
 protected:
  RunRecord begin(const std::string& id, const std::string& domain = "trusted",
                  const std::string& pipeline = "p") {
    RunRecord run;
    run.id = id;
    run.pipeline = pipeline;
    run.file = "/f";
    run.started_at = timestamp_now();
    run.domain = base::TrustDomain::parse(domain).value();
    EXPECT_TRUE(runs_->begin_run(run).ok());
    return run;
  }
  /// Attempt 0: taken from the cache.
  void tested(const std::string& run, std::int64_t attempt, const std::string& content) {
    StageChange change;
    change.stage.run_id = run;
    change.stage.stage = "s";
    change.stage.stage_key = Sha256::of("key of " + run);
    change.tests = report(content);
    if (attempt != 0) {
      change.attempt = AttemptRow{};
      change.attempt->run_id = run;
      change.attempt->stage = "s";
      change.attempt->number = attempt;
    }
    ASSERT_TRUE(runs_->record(run, std::span(&change, 1)).ok());
  }
  std::vector<std::string> earlier(const RunRecord& run, std::size_t limit = 100) {
    std::vector<std::string> found;
    const auto attempts = store_->earlier(run, "s", limit);
    for (const EarlierTests& tests : *attempts)
      found.push_back(tests.run_id + std::to_string(tests.attempt));
    return found;
  }

  TempDir home_;
  base::Result<RunStore> runs_ = RunStore::open(home_.path("runs.db"));
  base::Result<TestReportStore> store_ = runs_->test_reports();
};

using Names = std::vector<std::string>;

TEST_F(TestReportStoreTest, ARunHasThoseOfItsAttempts) {
  begin("r");
  tested("r", 1, "one");
  tested("r", 2, "two");
  const auto details = runs_->show_run("r");
  ASSERT_TRUE(details.ok());
  EXPECT_EQ(details->tests, (std::vector<TestReportRow>{{"r", "s", 1, report("one")},
                                                        {"r", "s", 2, report("two")}}));
  EXPECT_EQ(store_->all()->size(), 2U);
  end_and_remove(*runs_, "r");
  EXPECT_TRUE(store_->all()->empty());
}

TEST_F(TestReportStoreTest, EarlierAreThoseThatRanInTheSamePipeline) {
  begin("a");
  tested("a", 1, "x");
  tested("a", 2, "x");
  begin("b", "trusted", "other");
  tested("b", 1, "x");
  begin("c");
  tested("c", 0, "x");  // cached: no new result
  begin("d");
  tested("d", 1, "x");
  const RunRecord run = begin("e");
  tested("e", 1, "x");
  begin("f");
  tested("f", 1, "x");
  EXPECT_EQ(earlier(run), (Names{"d1", "a2", "a1"}));
  EXPECT_EQ(earlier(run, 2), (Names{"d1", "a2"}));
  EXPECT_EQ(store_->earlier(run, "s", 1)->front().stage_key, Sha256::of("key of d"));
}

TEST_F(TestReportStoreTest, ATrustedRunReadsOnlyTrustedOnes) {
  begin("t");
  tested("t", 1, "x");
  begin("u", "untrusted/pr-1");
  tested("u", 1, "x");
  begin("v", "untrusted/pr-2");
  tested("v", 1, "x");
  EXPECT_EQ(earlier(begin("w")), Names{"t1"});
  EXPECT_EQ(earlier(begin("x", "untrusted/pr-1")), (Names{"u1", "t1"}));
}

}  // namespace
}  // namespace stagebox::store
