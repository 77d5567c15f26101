#include "runtime/store/runs/cache_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/store/runs/run_store.h"
#include "tests/support/temp_dir.h"

namespace stagebox::store {
namespace {

using base::Sha256;
using base::TrustDomain;
using stagebox::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CacheStoreTest : public ::testing::Test {
 protected:
  static CacheSnapshot snapshot(const std::string& key, CachePlace place = {{}, "p", ".npm"}) {
    CacheSnapshot made;
    made.place = std::move(place);
    made.key = key;
    made.tree = {Sha256::of(key), 80, 3, 12};
    made.run_id = "run";
    made.stage = "s";
    made.saved_at = made.used_at = Timestamp(std::chrono::milliseconds(1000));
    return made;
  }
  [[nodiscard]] bool add(const CacheSnapshot& made) const {
    const auto added = caches_.add(made);
    EXPECT_TRUE(added.ok()) << (added.ok() ? "" : added.error().message);
    return added.ok() && *added;
  }
  [[nodiscard]] std::vector<std::string> beginning(const std::string& prefix,
                                                   std::size_t limit = 10) const {
    std::vector<std::string> keys;
    const auto all = caches_.find_beginning({{}, "p", ".npm"}, prefix, limit);
    EXPECT_TRUE(all.ok());
    for (const auto& found : *all) keys.push_back(found.key);
    return keys;
  }

  TempDir home_;
  base::Result<RunStore> runs_ = RunStore::open(home_.path("runs.db"));
  CacheStore caches_ = runs_->caches();
};

TEST_F(CacheStoreTest, FindsWhatWasAdded) {
  CacheSnapshot made = snapshot("npm-1");
  EXPECT_TRUE(add(made));
  auto found = caches_.find(made.place, "npm-1").value();
  ASSERT_TRUE(found);
  made.id = found->id;
  EXPECT_EQ(*found, made);
  EXPECT_FALSE(caches_.find(made.place, "npm-").value());
}

TEST_F(CacheStoreTest, TheFirstOneStays) {
  EXPECT_TRUE(add(snapshot("k")));
  CacheSnapshot second = snapshot("k");
  second.tree.root = Sha256::of("other");
  EXPECT_FALSE(add(second));
  EXPECT_EQ(caches_.find(second.place, "k").value()->tree.root, Sha256::of("k"));
}

TEST_F(CacheStoreTest, EachPlaceHasItsOwnKeys) {
  const CachePlace place{{}, "p", ".npm"};
  const TrustDomain fork = TrustDomain::untrusted("pr-1").value();
  for (const CachePlace& other :
       {CachePlace{fork, "p", ".npm"}, CachePlace{{}, "q", ".npm"}, CachePlace{{}, "p", ".npm2"}}) {
    EXPECT_TRUE(add(snapshot("k", other)));
    EXPECT_FALSE(caches_.find(place, "k").value());
    EXPECT_THAT(caches_.find_beginning(place, "", 10).value(), IsEmpty());
  }
  EXPECT_TRUE(add(snapshot("k", place)));
  EXPECT_EQ(caches_.list()->size(), 4U);
}

TEST_F(CacheStoreTest, BeginningsAreBytesAndTheNewestComesFirst) {
  for (const char* key : {"npm-1", "npm-3", "npm-2", "NPM-9", "np", "n%m-", "ü-1", "\xC3"})
    EXPECT_TRUE(add(snapshot(key)));
  EXPECT_THAT(beginning("npm-"), ElementsAre("npm-2", "npm-3", "npm-1"));
  EXPECT_THAT(beginning("npm-", 1), ElementsAre("npm-2"));
  EXPECT_THAT(beginning("npm-3"), ElementsAre("npm-3"));
  EXPECT_THAT(beginning("n%"), ElementsAre("n%m-"));
  EXPECT_THAT(beginning("n_"), IsEmpty());
  EXPECT_THAT(beginning("ü-"), ElementsAre("ü-1"));
  // Newer is what was saved later, also when something was removed before.
  const auto newest = caches_.find({{}, "p", ".npm"}, "npm-2").value();
  EXPECT_TRUE(caches_.remove(newest->id).value());
  EXPECT_FALSE(caches_.remove(newest->id).value());
  EXPECT_TRUE(add(snapshot("npm-0")));
  EXPECT_THAT(beginning("npm-"), ElementsAre("npm-0", "npm-3", "npm-1"));
}

TEST_F(CacheStoreTest, ListsByLastUse) {
  const auto keys = [this] {
    std::vector<std::string> found;
    const auto all = caches_.list();
    EXPECT_TRUE(all.ok());
    for (const auto& one : *all) found.push_back(one.key);
    return found;
  };
  EXPECT_TRUE(add(snapshot("a")));
  EXPECT_TRUE(add(snapshot("b")));
  EXPECT_THAT(keys(), ElementsAre("b", "a"));
  const auto a = caches_.find({{}, "p", ".npm"}, "a").value();
  ASSERT_TRUE(caches_.mark_used(a->id, Timestamp(std::chrono::milliseconds(2000))).ok());
  EXPECT_THAT(keys(), ElementsAre("a", "b"));
  // A clock that was set back does not make it older.
  ASSERT_TRUE(caches_.mark_used(a->id, Timestamp(std::chrono::milliseconds(1))).ok());
  EXPECT_EQ(caches_.list()->front().used_at, Timestamp(std::chrono::milliseconds(2000)));
}

TEST_F(CacheStoreTest, WhatWasUsedSinceItWasListedIsNotRemoved) {
  EXPECT_TRUE(add(snapshot("a")));
  const CacheSnapshot listed = caches_.list()->front();
  ASSERT_TRUE(caches_.mark_used(listed.id, Timestamp(std::chrono::milliseconds(2000))).ok());
  EXPECT_FALSE(caches_.remove_unused(listed).value());
  EXPECT_TRUE(caches_.remove_unused(caches_.list()->front()).value());
  EXPECT_THAT(caches_.list().value(), IsEmpty());
}

}  // namespace
}  // namespace stagebox::store
