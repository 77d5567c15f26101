#include "runtime/store/content/collector.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::Sha256;
using std::chrono::seconds;

class CollectTest : public StoreTest {
 protected:
  CollectResult collect(const LiveSet& live, seconds older_than = seconds(3600)) const {
    const auto result =
        store().collect({older_than}, [&]() -> base::Result<LiveSet> { return live; });
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    return result.ok() ? *result : CollectResult{};
  }
  /// As if nothing had been used for a day.
  void age_all() const {
    for (const char* top : {"cas/blobs", "cas/trees"}) {
      const auto dir = base::open_path(home_.path(top), O_PATH);
      for (const std::string& name : names_in(home_.path(top))) {
        const std::string path = home_.path(std::string(top) + "/" + name);
        const bool shard = std::string_view(top) == "cas/blobs";
        const auto blobs = shard ? names_in(path) : std::vector<std::string>();
        for (const std::string& blob : blobs)
          age_access(dir->get(), std::string(name).append("/").append(blob), 86'400);
        age_access(dir->get(), name, 86'400);  // last: listing it was a use
      }
    }
  }
};

TEST_F(CollectTest, RemovesWhatNobodyNamesOrReaches) {
  write_at(source_, "d/keep", "keep");
  const TreeRef tree = put();
  const Digest blob = store().put_bytes("named")->digest;
  const Digest tool = store().put_bytes("tool", Executable::kYes)->digest;
  const Digest garbage = store().put_bytes("garbage")->digest;
  age_all();
  const CollectResult result = collect({.blobs = {blob, tool}, .trees = {tree.root}});
  EXPECT_EQ(result.blobs, 1U);
  EXPECT_GT(result.bytes, 0U);
  EXPECT_FALSE(store().has_blob(garbage));
  EXPECT_TRUE(store().has_blob(blob));
  EXPECT_TRUE(store().has_blob(tool, Executable::kYes));
  EXPECT_TRUE(store().has_tree(tree.root));
}

TEST_F(CollectTest, WhatWasUsedLatelyStays) {
  const Digest fresh = store().put_bytes("fresh")->digest;
  EXPECT_EQ(collect({}).blobs, 0U);
  age_all();
  EXPECT_TRUE(store().has_blob(fresh)) << "and finding it is using it";
  EXPECT_EQ(collect({}).blobs, 0U);
  age_all();
  EXPECT_TRUE(store().put_bytes("fresh").ok()) << "so is storing it again";
  EXPECT_EQ(collect({}).blobs, 0U);
  age_all();
  EXPECT_EQ(collect({}).blobs, 1U);
}

TEST_F(CollectTest, AWholeTreeIsKeptByUsingIt) {
  write_at(source_, "a/b/c", "c");
  const TreeRef tree = put();
  age_all();
  EXPECT_TRUE(store().has_tree(tree.root));
  EXPECT_EQ(collect({}).blobs, 0U);
  EXPECT_TRUE(store().has_tree(tree.root));
}

TEST_F(CollectTest, AnOpenTreeStaysAClosedOneGoes) {
  write_at(source_, "d/f", "f");
  const TreeRef tree = put();
  {
    auto other = ContentStore::open(home_.fd());
    const auto dir = other->open_tree(tree.root);
    ASSERT_TRUE(dir.ok());
    age_all();
    const CollectResult result = collect({});
    EXPECT_EQ(result.trees, 0U);
    EXPECT_EQ(result.blobs, 3U);
    EXPECT_EQ(*base::read_file_at(dir->get(), "d/f", 9), "f") << "still mountable";
  }
  age_all();
  EXPECT_EQ(collect({}).trees, 1U);
  EXPECT_TRUE(names_in(home_.path("cas/trees")).empty());
}

TEST_F(CollectTest, AFailedMarkRemovesNothing) {
  const Digest blob = store().put_bytes("x")->digest;
  age_all();
  const auto result = store().collect(
      {seconds(0)}, []() -> base::Result<LiveSet> { return base::corrupt("no idea"); });
  EXPECT_FALSE(result.ok());
  EXPECT_TRUE(store().has_blob(blob));
}

TEST_F(CollectTest, MarkMayUseTheStore) {
  const auto result = store().collect({}, [this]() -> base::Result<LiveSet> {
    const BlobRef blob = TRY(store().put_bytes("found while marking"));
    return LiveSet{.blobs = {blob.digest}, .trees = {}};
  });
  EXPECT_TRUE(result.ok());
}

TEST_F(CollectTest, WhatIsUnfinishedGoesWhenNobodyUsesTheStore) {
  const TreeRef tree = put();
  ASSERT_EQ(::mkdirat(home_.fd(), "cas/tmp/0123456789abcdef", 0700), 0);
  ASSERT_EQ(::mkdirat(home_.fd(), "cas/trees/.new-0123456789abcdef", 0700), 0);
  {
    const base::UniqueFd lock(::open(home_.path("cas/lock").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::flock(lock.get(), LOCK_SH), 0);
    ASSERT_TRUE(store().remove_unfinished().ok()) << "it is not waited for";
    EXPECT_EQ(names_in(home_.path("cas/tmp")).size(), 1U);
  }
  ASSERT_TRUE(store().remove_unfinished().ok());
  EXPECT_TRUE(names_in(home_.path("cas/tmp")).empty());
  for (const std::string& name : names_in(home_.path("cas/trees")))
    EXPECT_NE(name.front(), '.') << name;
  EXPECT_TRUE(store().has_tree(tree.root));
}

TEST_F(CollectTest, LeftoversOfTheKilledAreRemoved) {
  for (int i = 0; i < 400; ++i) {
    write_at(source_, "f" + std::to_string(i), "content " + std::to_string(i));
  }
  const pid_t child = ::fork();
  if (child == 0) {
    const auto own = ContentStore::open(home_.fd());
    ::_exit(own->put_tree(source_.fd()).ok() ? 0 : 1);
  }
  // As soon as it has staged something: there is nothing to wait on but the directory itself.
  while (names_in(home_.path("cas/tmp")).empty() && ::waitpid(child, nullptr, WNOHANG) == 0) {
  }
  (void)::kill(child, SIGKILL);
  (void)::waitpid(child, nullptr, 0);
  ASSERT_EQ(::mkdirat(home_.fd(), "cas/trees/.new-0123456789abcdef", 0700), 0);
  const CollectResult result = collect({});
  EXPECT_GE(result.temporaries, 1U);
  const TreeRef tree = put();
  EXPECT_TRUE(store().has_tree(tree.root));
  EXPECT_TRUE(store().open_tree(tree.root).ok());
}  // TearDown looks at tmp/ and trees/

TEST_F(CollectTest, OfSomeTreesOnlyTheListingsAreKept) {
  write_at(source_, "d/f", "content");
  const TreeRef tree = put();
  age_all();
  const CollectResult result = collect({.blobs = {}, .trees = {}, .listings = {tree.root}});
  EXPECT_EQ(result.blobs, 1U) << "the file";
  const auto root = store().read_directory(tree.root);
  ASSERT_TRUE(root.ok());
  EXPECT_TRUE(store().read_directory(root->directories[0].digest).ok());
  EXPECT_FALSE(store().has_tree(tree.root));
}

TEST_F(CollectTest, ABudgetTakesTheOldestThatNobodyNeeds) {
  const Digest needed = store().put_bytes(std::string(9000, 'n'))->digest;
  std::vector<Digest> others;
  for (int i = 0; i < 4; ++i) {
    others.push_back(store().put_bytes(std::string(9000, static_cast<char>('a' + i)))->digest);
    age_access(home_.fd(), blob_path(others.back()), 5000 - i);
  }
  age_access(home_.fd(), blob_path(needed), 86'400);
  const auto mark = [&]() -> base::Result<LiveSet> {
    return LiveSet{.blobs = {needed}, .trees = {}};
  };
  const auto result = store().collect({seconds(86'400), 3 * 12'288}, mark);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->blobs, 2U);
  EXPECT_EQ(result->remaining, 3U * 12'288);
  EXPECT_FALSE(store().has_blob(others[0]) || store().has_blob(others[1]));
  EXPECT_TRUE(store().has_blob(others[2]) && store().has_blob(others[3]));
  EXPECT_EQ(store().collect({seconds(86'400), 0}, mark)->blobs, 2U) << "alone: whatever their age";
  EXPECT_TRUE(store().has_blob(needed));
}

TEST_F(CollectTest, WhatWasUsedAMomentAgoStaysWhileAnotherHasTheStoreOpen) {
  const auto other = ContentStore::open(home_.fd());
  const Digest blob = store().put_bytes("x")->digest;
  EXPECT_EQ(collect({}, seconds(0)).blobs, 0U);
  EXPECT_EQ(
      store().collect({seconds(0), 0}, [] { return base::Result<LiveSet>(LiveSet{}); })->blobs, 0U);
  age_all();
  EXPECT_EQ(collect({}, seconds(0)).blobs, 1U);
  EXPECT_FALSE(store().has_blob(blob));
}

TEST_F(CollectTest, NeverTakesAwayWhatAnotherThreadJustStored) {
  std::atomic<bool> stop = false;
  std::thread collector([&] {
    while (!stop) (void)collect({});
  });
  for (int round = 0; round < 30; ++round) {
    age_all();  // everything of the rounds before is garbage, and stored again below
    write_at(source_, "d/f", "round " + std::to_string(round % 2));
    const TreeRef tree = put();
    EXPECT_TRUE(store().has_tree(tree.root)) << round;
    EXPECT_TRUE(store().open_tree(tree.root).ok()) << round;
  }
  stop = true;
  collector.join();
}

}  // namespace
}  // namespace stagebox::store
