#include "runtime/run/stage_cache.h"

#include <gtest/gtest.h>

#include "runtime/base/digest.h"
#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

// Who dies before the records are written loses brief stages only.
TEST(StageCacheTest, ABriefStagesRecordIsWrittenLaterAndFoundAtOnce) {
  const testing::TempDir home;
  const auto actions = store::ActionCache::open(home.fd());
  const auto content = store::ContentStore::open(home.fd());
  ASSERT_TRUE(actions.ok() && content.ok());
  const StageCache cache(*actions, *content, {}, {}, "run");
  const scheduler::Stage stage;
  const auto recorded = [&](const char* name, std::chrono::milliseconds took) {
    store::StageResult result;
    result.run_id = name;
    result.duration = took;
    EXPECT_TRUE(cache.record(stage, base::Sha256::of(name), result).ok());
    const auto found = cache.look_up(stage, {base::Sha256::of(name)});
    EXPECT_EQ(found.verdict, CacheVerdict::kHit);
    EXPECT_EQ(found.result.run_id, name);
    return actions->list()->size();
  };
  EXPECT_EQ(recorded("brief", StageCache::kBriefStage - std::chrono::milliseconds(1)), 0U);
  EXPECT_EQ(recorded("long", StageCache::kBriefStage), 1U);
  ASSERT_TRUE(cache.write_records().ok());
  EXPECT_EQ(actions->list()->size(), 2U);
  EXPECT_EQ(cache.look_up(stage, {base::Sha256::of("brief")}).verdict, CacheVerdict::kHit);
}

TEST(StageCacheTest, WhatIsNeverCachedIsNotRecorded) {
  const testing::TempDir home;
  const auto actions = store::ActionCache::open(home.fd());
  const auto content = store::ContentStore::open(home.fd());
  ASSERT_TRUE(actions.ok() && content.ok());
  const StageCache cache(*actions, *content, {}, {}, "run");
  scheduler::Stage stage;
  stage.cache = scheduler::CachePolicy::kNever;
  ASSERT_TRUE(cache.record(stage, base::Sha256::of("key"), {}).ok());
  ASSERT_TRUE(cache.write_records().ok());
  EXPECT_TRUE(actions->list()->empty());
}

}  // namespace
}  // namespace stagebox::run
