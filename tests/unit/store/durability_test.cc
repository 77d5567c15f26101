// What is made durable when, and what of it is believed after a crash of the machine.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "runtime/store/action_cache.h"
#include "runtime/store/content/unsynced_files.h"
#include "runtime/store/content/verified_blobs.h"
#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::Sha256;

struct stat status_of(const TempDir& dir, const std::string& name) {
  return base::stat_at(dir.fd(), name).value();
}

TEST(VerifiedBlobs, ForgetsEverythingWhenTheMachineStarts) {
  const TempDir dir;
  write_at(dir, "blob", "content");
  const struct stat status = status_of(dir, "blob");
  const Digest digest = Sha256::of("content");
  {
    const auto before = VerifiedBlobs::open(dir.fd(), "one");
    ASSERT_TRUE(before.ok());
    before->note(digest, status);
  }
  EXPECT_TRUE(VerifiedBlobs::open(dir.fd(), "one")->knows(digest, status));
  EXPECT_FALSE(VerifiedBlobs::open(dir.fd(), "two")->knows(digest, status));
  EXPECT_EQ(boot_id().value(), boot_id().value());
}

TEST(UnsyncedFiles, TakesWhatIsThereAndWhatIsGone) {
  const TempDir dir;
  UnsyncedFiles files(dir.fd());
  EXPECT_TRUE(files.sync().ok());
  write_at(dir, "sub/file", "x");
  UnsyncedNames names;
  for (const char* name : {".", "sub", "sub/file", "sub/gone", "gone/file"}) names.add(name);
  EXPECT_FALSE(names.are_many());
  files.add_all(names);
  EXPECT_TRUE(files.sync().ok());
  for (int i = 0; i < 100; ++i) files.add("sub/" + std::to_string(i));
  EXPECT_TRUE(files.sync().ok()) << "many at once";
}

TEST(UnsyncedNames, ManyAreNotKeptByName) {
  UnsyncedNames names;
  for (int i = 0; i < 1000; ++i) names.add(std::to_string(i));
  EXPECT_TRUE(names.are_many());
  EXPECT_EQ(names.names().size(), UnsyncedNames::kSyncEach + 1);
  UnsyncedNames others;
  others.add_all(names);
  EXPECT_TRUE(others.are_many());
}

TEST(UnsyncedFiles, TellsWhatCannotBeMadeDurable) {
  const TempDir dir;
  ASSERT_EQ(::symlink("elsewhere", dir.path("link").c_str()), 0);
  UnsyncedFiles files(dir.fd());
  files.add("link");
  EXPECT_FALSE(files.sync().ok());
  EXPECT_FALSE(files.sync().ok()) << "it is tried again";
  ASSERT_EQ(::unlinkat(dir.fd(), "link", 0), 0);
  EXPECT_TRUE(files.sync().ok());
}

TEST(DeferredSyncs, LeaveTheStoreAsItWouldBe) {
  const TempDir home;
  auto store = ContentStore::open(home.fd());
  auto actions = ActionCache::open(home.fd());
  ASSERT_TRUE(store.ok() && actions.ok());
  store->defer_syncs();
  actions->defer_syncs();
  const auto blob = store->put_bytes("content");
  ASSERT_TRUE(blob.ok());
  StageResult result;
  result.run_id = "run";
  const Digest key = Sha256::of("key");
  ASSERT_TRUE(actions->store(key, result).ok());
  EXPECT_TRUE(store->has_blob(blob->digest));
  ASSERT_TRUE(store->sync().ok() && actions->sync().ok());
  EXPECT_EQ(store->read_blob(blob->digest, 100).value(), "content");
  EXPECT_EQ(actions->lookup(key, *store)->state, RecordState::kWhole);
  EXPECT_TRUE(names_in(home.path("cas/tmp")).empty());
}

}  // namespace
}  // namespace stagebox::store
