#include "runtime/store/action_cache.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::RelativePath;
using base::Sha256;

class ActionCacheTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    auto opened = ActionCache::open(home_.fd());
    ASSERT_TRUE(opened.ok());
    cache_ = std::make_unique<ActionCache>(std::move(*opened));
  }
  [[nodiscard]] StageResult stored_result() const {
    const BlobRef blob = *store().put_bytes("lib");
    write_at(source_, "d/header", "header");
    const TreeRef tree = put();
    StageResult result;
    result.outputs.push_back({.name = "lib",
                              .path = *RelativePath::parse("lib"),
                              .kind = OutputKind::kFile,
                              .digest = blob.digest,
                              .size = blob.size});
    result.outputs.push_back({.name = "inc",
                              .path = *RelativePath::parse("inc"),
                              .kind = OutputKind::kDirectory,
                              .digest = tree.root,
                              .size = tree.size});
    result.run_id = "run";
    return result;
  }
  const Digest key_ = Sha256::of("stage key");
  std::unique_ptr<ActionCache> cache_;
};

TEST_F(ActionCacheTest, AHitIsWhatWasStored) {
  const StageResult result = stored_result();
  EXPECT_EQ(cache_->lookup(key_, store())->state, RecordState::kNone);
  ASSERT_TRUE(cache_->store(key_, result).ok());
  EXPECT_EQ(cache_->lookup(key_, store())->result, result);
  EXPECT_EQ(cache_->lookup(Sha256::of("other"), store())->state, RecordState::kNone);
  ASSERT_TRUE(cache_->remove(key_).ok());
  ASSERT_TRUE(cache_->remove(key_).ok()) << "nothing there is success";
  EXPECT_EQ(cache_->lookup(key_, store())->state, RecordState::kNone);
}

TEST_F(ActionCacheTest, AHitWhoseContentIsGoneIsAMiss) {
  const StageResult result = stored_result();
  ASSERT_TRUE(cache_->store(key_, result).ok());
  for (const char* content : {"lib", "header"}) {
    ASSERT_EQ(::unlinkat(home_.fd(), blob_path(Sha256::of(content)).c_str(), 0), 0);
    const auto lookup = cache_->lookup(key_, store());
    EXPECT_EQ(lookup->state, RecordState::kOutputsMissing) << content;
    EXPECT_THAT(lookup->problem, ::testing::HasSubstr("is not in the store"));
    ASSERT_TRUE(store().put_bytes(content).ok());
    EXPECT_EQ(cache_->lookup(key_, store())->state, RecordState::kWhole) << content;
  }
}

TEST_F(ActionCacheTest, ADamagedEntryIsAMissAndGone) {
  ASSERT_TRUE(cache_->store(key_, stored_result()).ok());
  const auto dir = base::open_path(home_.path("ac"), O_RDONLY | O_DIRECTORY);
  const std::string good = *base::read_file_at(dir->get(), key_.hex(), 10'000);
  for (std::size_t at = 0; at < good.size(); at += 5) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    ASSERT_TRUE(base::replace_file_at(dir->get(), key_.hex(), bad, 0600).ok());
    EXPECT_EQ(cache_->lookup(key_, store())->state, RecordState::kDamaged) << at;
    EXPECT_TRUE(base::list_dir(dir->get())->empty()) << at;
  }
}

TEST_F(ActionCacheTest, WhatIsNotedIsFoundBeforeItHasAFile) {
  const StageResult result = stored_result();
  cache_->note(key_, result);
  EXPECT_TRUE(cache_->list()->empty());
  const auto found = cache_->lookup(key_, store());
  EXPECT_EQ(found->result, result);
  EXPECT_FALSE(found->stamp);
  ASSERT_TRUE(cache_->write_noted().ok());
  EXPECT_EQ(cache_->lookup(key_, store())->result, result);
  const auto other = ActionCache::open(home_.fd());
  EXPECT_EQ(other->lookup(key_, store())->result, result) << "of another process";
  // Nothing is left that would hide what another process makes of it.
  ASSERT_TRUE(other->remove(key_).ok());
  EXPECT_EQ(cache_->lookup(key_, store())->state, RecordState::kNone);
}

TEST_F(ActionCacheTest, WhatIsNotedReplacesWhatHasAFile) {
  StageResult result = stored_result();
  ASSERT_TRUE(cache_->store(key_, result).ok());
  result.run_id = "later";
  cache_->note(key_, result);
  EXPECT_EQ(cache_->lookup(key_, store())->result.run_id, "later");
  ASSERT_TRUE(cache_->write_noted().ok());
  EXPECT_EQ(cache_->list()->front().result.run_id, "later");
}

TEST_F(ActionCacheTest, WhatIsNotedIsCheckedAndCanBeRemoved) {
  cache_->note(key_, stored_result());
  ASSERT_EQ(::unlinkat(home_.fd(), blob_path(Sha256::of("lib")).c_str(), 0), 0);
  EXPECT_EQ(cache_->lookup(key_, store())->state, RecordState::kOutputsMissing);
  ASSERT_TRUE(cache_->remove(key_).ok());
  EXPECT_EQ(cache_->lookup(key_, store())->state, RecordState::kNone);
  ASSERT_TRUE(cache_->write_noted().ok());
  EXPECT_TRUE(cache_->list()->empty());
}

TEST_F(ActionCacheTest, WhatCannotBeWrittenIsToldAndStaysNoted) {
  const StageResult result = stored_result();
  StageResult twice = result;  // No encoding says which of two outputs is meant.
  twice.outputs.push_back(twice.outputs.front());
  const Digest good = Sha256::of("another key");
  cache_->note(key_, twice);
  cache_->note(good, result);
  EXPECT_FALSE(cache_->write_noted().ok());
  EXPECT_EQ(cache_->lookup(key_, store())->state, RecordState::kWhole);
  EXPECT_EQ(cache_->list()->size(), 1U);
  EXPECT_EQ(cache_->list()->front().action, good);
  EXPECT_FALSE(cache_->write_noted().ok()) << "it is tried again";
}

TEST_F(ActionCacheTest, ListsForGcAndTidiesUp) {
  const StageResult result = stored_result();
  ASSERT_TRUE(cache_->store(key_, result).ok());
  const auto dir = base::open_path(home_.path("ac"), O_RDONLY | O_DIRECTORY);
  const std::string left = Sha256::of("killed").hex() + ".new.1234";
  ASSERT_TRUE(base::replace_file_at(dir->get(), left, "half", 0600).ok());
  EXPECT_EQ(cache_->list()->size(), 1U);
  EXPECT_TRUE(base::stat_at(dir->get(), left).ok()) << "perhaps it is being written";
  const struct timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 7200, 0}};
  ASSERT_EQ(::utimensat(dir->get(), left.c_str(), times, 0), 0);
  const auto entries = cache_->list();
  ASSERT_EQ(entries->size(), 1U);
  EXPECT_EQ(entries->front().action, key_);
  EXPECT_EQ(entries->front().result, result);
  EXPECT_FALSE(base::stat_at(dir->get(), left).ok());
}

TEST_F(ActionCacheTest, WhatWasUsedOrWrittenAnewSinceItWasListedStays) {
  const StageResult result = stored_result();
  ASSERT_TRUE(cache_->store(key_, result).ok());
  const auto dir = base::open_path(home_.path("ac"), O_RDONLY | O_DIRECTORY);
  const struct timespec times[2] = {{0, UTIME_OMIT}, {::time(nullptr) - 100'000, 0}};
  ASSERT_EQ(::utimensat(dir->get(), key_.hex().c_str(), times, 0), 0);
  const ActionCache::Entry listed = cache_->list()->front();
  EXPECT_EQ(cache_->lookup(key_, store())->state, RecordState::kWhole);
  EXPECT_FALSE(cache_->remove_unused(listed).value());
  const ActionCache::Entry used = cache_->list()->front();
  ASSERT_TRUE(cache_->store(key_, result).ok());
  EXPECT_FALSE(cache_->remove_unused(used).value());
  EXPECT_TRUE(cache_->remove_unused(cache_->list()->front()).value());
  EXPECT_TRUE(cache_->list()->empty());
}

// Whoever looks while it is written finds it: in memory, or in its file.
TEST_F(ActionCacheTest, IsFoundWhileItIsWritten) {
  cache_->defer_syncs();
  const StageResult result = stored_result();
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(cache_->write_noted().ok());
  });
  for (int i = 0; i < 200; ++i) {
    const Digest key = Sha256::of(std::to_string(i));
    cache_->note(key, result);
    EXPECT_EQ(cache_->lookup(key, store())->state, RecordState::kWhole);
    EXPECT_EQ(cache_->lookup(key, store())->state, RecordState::kWhole);
  }
  writer.join();
}

TEST_F(ActionCacheTest, ThreadsMayStoreTheSameKey) {
  const StageResult result = stored_result();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(cache_->store(key_, result).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache_->lookup(key_, store())->result, result);
}

}  // namespace
}  // namespace stagebox::store
