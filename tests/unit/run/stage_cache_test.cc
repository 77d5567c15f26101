#include "runtime/run/stage_cache.h"

#include <gtest/gtest.h>

#include "runtime/base/digest.h"
#include "runtime/base/files.h"
#include "runtime/store/runs/run_types.h"
#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

class StageCacheTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(actions_.ok() && content_.ok()); }

  testing::TempDir home_;
  base::Result<store::ActionCache> actions_ = store::ActionCache::open(home_.fd());
  base::Result<store::ContentStore> content_ = store::ContentStore::open(home_.fd());
  StageCache cache_{*actions_, *content_, {}, {}};
  scheduler::Stage stage_;
};

// Who dies before the records are written loses brief stages only.
TEST_F(StageCacheTest, ABriefStagesRecordIsWrittenLaterAndFoundAtOnce) {
  const auto recorded = [&](const char* name, std::chrono::milliseconds took) {
    store::StageResult result;
    result.run_id = name;
    result.duration = took;
    EXPECT_TRUE(cache_.record(stage_, base::Sha256::of(name), result).ok());
    const auto found = cache_.look_up(stage_, {base::Sha256::of(name)});
    EXPECT_EQ(found.verdict, CacheVerdict::kHit);
    EXPECT_EQ(found.result.run_id, name);
    return actions_->list()->size();
  };
  EXPECT_EQ(recorded("brief", StageCache::kBriefStage - std::chrono::milliseconds(1)), 0U);
  EXPECT_EQ(recorded("long", StageCache::kBriefStage), 1U);
  ASSERT_TRUE(cache_.write_records().ok());
  EXPECT_EQ(actions_->list()->size(), 2U);
  EXPECT_EQ(cache_.look_up(stage_, {base::Sha256::of("brief")}).verdict, CacheVerdict::kHit);
}

TEST_F(StageCacheTest, AResultWhoseLogIsGoneIsNoHit) {
  const base::Digest key = base::Sha256::of("key");
  store::StageResult result;
  result.log_path = home_.path("s.log");
  ASSERT_TRUE(cache_.record(stage_, key, result).ok());
  const auto gone = cache_.look_up(stage_, {key});
  EXPECT_EQ(gone.verdict, CacheVerdict::kMissingOutputs);
  EXPECT_EQ(gone.detail, "its log " + result.log_path + " is gone");
  ASSERT_TRUE(base::replace_file_at(home_.fd(), "s.log", "", 0600).ok());
  EXPECT_EQ(cache_.look_up(stage_, {key}).verdict, CacheVerdict::kMissingOutputs) << "empty";
  ASSERT_TRUE(base::replace_file_at(home_.fd(), "s.log", "log", 0600).ok());
  EXPECT_EQ(cache_.look_up(stage_, {key}).verdict, CacheVerdict::kHit);
}

TEST_F(StageCacheTest, WhatIsTooOldOrOfATimeToComeHasExpired) {
  stage_.cache_ttl = std::chrono::hours(1);
  const base::Digest key = base::Sha256::of("key");
  const auto verdict_at = [&](std::chrono::minutes age) {
    store::StageResult result;
    result.ended_at = store::timestamp_now() - age;
    EXPECT_TRUE(cache_.record(stage_, key, result).ok());
    return cache_.look_up(stage_, {key}).verdict;
  };
  EXPECT_EQ(verdict_at(std::chrono::minutes(59)), CacheVerdict::kHit);
  EXPECT_EQ(verdict_at(std::chrono::minutes(61)), CacheVerdict::kExpired);
  EXPECT_EQ(verdict_at(std::chrono::minutes(-5)), CacheVerdict::kExpired);
  stage_.cache_ttl.reset();
  EXPECT_EQ(verdict_at(std::chrono::minutes(-5)), CacheVerdict::kHit);
}

TEST_F(StageCacheTest, WhatIsNeverCachedIsNotRecorded) {
  stage_.cache = scheduler::CachePolicy::kNever;
  ASSERT_TRUE(cache_.record(stage_, base::Sha256::of("key"), {}).ok());
  ASSERT_TRUE(cache_.write_records().ok());
  EXPECT_TRUE(actions_->list()->empty());
}

}  // namespace
}  // namespace stagebox::run
