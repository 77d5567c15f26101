// Stored objects that another program of the host changed: found when they are used, whatever was
// done to hide it, and never handed out.
#include <gmock/gmock.h>

#include <functional>

#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::ErrorKind;
using base::Sha256;

/// As if nobody had written to it: the modification time and the mode are put back.
void write_secretly(const std::string& path, std::string_view content, int flags = 0) {
  const struct stat before = base::stat_at(AT_FDCWD, path).value();
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags));
  ASSERT_TRUE(base::write_all(fd.get(), content).ok());
  ASSERT_EQ(::fchmod(fd.get(), before.st_mode), 0);
  const struct timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::futimens(fd.get(), times), 0);
}

class DamageTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    write_at(source_, "d/f", "content");
    write_at(source_, "d/other", "another");
    ASSERT_EQ(::symlinkat("f", source_.fd(), "d/l"), 0);
    tree_ = put();
  }
  /// What the next process sees: what this one has looked at already, it does not look at again.
  void reopen() { StoreTest::SetUp(); }
  [[nodiscard]] std::string blob() const { return home_.path(blob_path(Sha256::of("content"))); }

  TreeRef tree_;
};

struct Case {
  const char* what;
  std::function<void(const std::string& path, const std::string& other)> damage;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases{
      {"flipped", [](auto& path, auto&) { write_secretly(path, "cOntent"); }},
      {"truncated", [](auto& path, auto&) { write_secretly(path, "con", O_TRUNC); }},
      {"longer", [](auto& path, auto&) { write_secretly(path, "content and more"); }},
      {"deleted", [](auto& path, auto&) { ASSERT_EQ(::unlink(path.c_str()), 0); }},
      {"swapped",
       [](auto& path, auto& other) {
         ASSERT_EQ(::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE),
                   0);
       }},
      {"another mode", [](auto& path, auto&) { ASSERT_EQ(::chmod(path.c_str(), 0666), 0); }},
      {"a link", [](auto& path, auto&) {
         ASSERT_EQ(::unlink(path.c_str()), 0);
         ASSERT_EQ(::symlink("/etc/passwd", path.c_str()), 0);
       }}};
  return kCases;
}

TEST_F(DamageTest, ADamagedBlobIsNotThereAnyMore) {
  const std::string other = home_.path(blob_path(Sha256::of("another")));
  for (const Case& one : cases()) {
    ASSERT_TRUE(store().has_tree(tree_.root)) << one.what;
    one.damage(blob(), other);
    EXPECT_FALSE(store().has_tree(tree_.root)) << one.what;
    EXPECT_FALSE(store().has_blob(Sha256::of("content"))) << one.what;
    EXPECT_FALSE(store().read_blob(Sha256::of("content"), 100).ok()) << one.what;
    EXPECT_NE(::access(blob().c_str(), F_OK), 0) << "removed: " << one.what;
    // The files on the host did not change, so nothing but the damage makes it read them again.
    TreeOptions remembered;
    remembered.stat_cache_key = "source";
    EXPECT_EQ(put(remembered).root, tree_.root) << one.what;
  }
  EXPECT_TRUE(store().has_tree(tree_.root));
}

TEST_F(DamageTest, ItIsSaidThatItWasDamaged) {
  write_secretly(blob(), "cOntent");
  const auto checked = store().check_tree(tree_.root);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(checked.error().message, ::testing::HasSubstr("\"f\": the stored blob"));
  EXPECT_THAT(checked.error().message, ::testing::HasSubstr("was damaged and has been removed"));
}

TEST_F(DamageTest, WhatADiskDamagesWithoutATraceIsFoundByReadingEverything) {
  const auto materialised = store().open_tree(tree_.root);
  ASSERT_TRUE(materialised.ok());
  const auto whole = store().verify();
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_TRUE(whole->damaged.empty());
  EXPECT_EQ(whole->blobs, 4U) << "two files and two directories";
  write_secretly(blob(), "cOntent");
  // As if no time had changed.
  const auto dir = base::open_path(home_.path("cas"), O_PATH);
  const auto known = VerifiedBlobs::open(dir->get(), boot_id().value());
  known->note(Sha256::of("content"), base::stat_at(AT_FDCWD, blob()).value());
  ASSERT_TRUE(store().has_blob(Sha256::of("content"))) << "else this tests nothing";
  const struct stat before =
      base::stat_at(AT_FDCWD, home_.path(blob_path(Sha256::of("another")))).value();
  const auto read = store().verify();
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->damaged, std::vector{Sha256::of("content")});
  EXPECT_EQ(read->blobs, 4U);
  EXPECT_GE(read->bytes, 14U);
  const struct stat after =
      base::stat_at(AT_FDCWD, home_.path(blob_path(Sha256::of("another")))).value();
  EXPECT_EQ(after.st_atim.tv_nsec, before.st_atim.tv_nsec) << "it was not used";
  EXPECT_FALSE(store().has_blob(Sha256::of("content")));
  EXPECT_EQ(put().root, tree_.root);
  reopen();
  const auto anew = store().open_tree(tree_.root);
  ASSERT_TRUE(anew.ok()) << anew.error().message;
  EXPECT_EQ(base::read_file_at(anew->get(), "d/f", 100).value(), "content");
  const auto swept = store().collect(
      {}, [&]() -> base::Result<LiveSet> { return LiveSet{.blobs = {}, .trees = {tree_.root}}; });
  EXPECT_EQ(swept->trees, 1U) << "the damaged one";
}

TEST_F(DamageTest, AnUntouchedBlobIsNotReadAgain) {
  ASSERT_TRUE(store().has_blob(Sha256::of("content")));
  const auto dir = base::open_path(home_.path("cas"), O_PATH);
  const auto known = VerifiedBlobs::open(dir->get(), boot_id().value());
  struct stat status = base::stat_at(AT_FDCWD, blob()).value();
  EXPECT_TRUE(known->knows(Sha256::of("content"), status));
  EXPECT_FALSE(known->knows(Sha256::of("another"), status));
  ASSERT_TRUE(store().open_tree(tree_.root).ok()) << "one link more changes the change time";
  status = base::stat_at(AT_FDCWD, blob()).value();
  EXPECT_TRUE(known->knows(Sha256::of("content"), status));
  for (const std::function<void(struct stat&)>& change :
       std::vector<std::function<void(struct stat&)>>{
           [](auto& s) { ++s.st_ino; }, [](auto& s) { ++s.st_size; }, [](auto& s) { ++s.st_mode; },
           [](auto& s) { s.st_ctim.tv_nsec ^= 1; }, [](auto& s) { ++s.st_ctim.tv_sec; }}) {
    struct stat changed = status;
    change(changed);
    EXPECT_FALSE(known->knows(Sha256::of("content"), changed));
  }
}

TEST_F(DamageTest, ADamagedMaterialisedTreeIsMadeAnew) {
  const std::vector<Case> more{
      {"a file more",
       [](auto& path, auto&) {
         ASSERT_TRUE(base::open_path(path + "2", O_CREAT | O_WRONLY, 0444).ok());
       }},
      {"another target",
       [](auto& path, auto&) {
         const std::string link = path.substr(0, path.size() - 1) + "l";
         ASSERT_EQ(::unlink(link.c_str()), 0);
         ASSERT_EQ(::symlink("other", link.c_str()), 0);
       }},
      {"a directory's mode", [](auto& path, auto&) {
         ASSERT_EQ(::chmod(path.substr(0, path.size() - 2).c_str(), 0777), 0);
       }}};
  std::vector<Case> all = cases();
  all.insert(all.end(), more.begin(), more.end());
  if (::geteuid() != 0) GTEST_SKIP() << "the directories are read-only for their owner too";
  for (const Case& one : all) {
    for (const bool overlay : {false, true}) {
      const auto open = [&] {
        return overlay ? store().open_overlay_tree(tree_.root, {}) : store().open_tree(tree_.root);
      };
      ASSERT_TRUE(open().ok()) << one.what;
      const std::string name = overlay ? tree_.root.hex() + ".w0.0" : tree_.root.hex();
      const std::string dir = home_.path("cas/trees/" + name + "/d/");
      one.damage(dir + "f", dir + "other");
      reopen();
      EXPECT_EQ(put().root, tree_.root) << "the blob may be the same file";
      const auto again = open();
      ASSERT_TRUE(again.ok()) << one.what << again.error().message;
      EXPECT_EQ(*base::read_file_at(again->get(), "d/f", 100), "content") << one.what;
      EXPECT_EQ(*base::read_file_at(again->get(), "d/l", 100), "content") << one.what;
      EXPECT_EQ(names_in(dir).size(), 3U) << one.what;
      const auto result = store().collect({}, [&]() -> base::Result<LiveSet> {
        return LiveSet{.blobs = {}, .trees = {tree_.root}};
      });
      EXPECT_EQ(result->trees, 1U) << "the damaged one: " << one.what;
    }
  }
}

TEST_F(DamageTest, ADamagedTreeThatIsInUseStaysUntilItIsNot) {
  auto user = ContentStore::open(home_.fd());
  const auto mounted = user->open_tree(tree_.root);
  const std::string name = home_.path("cas/trees/" + tree_.root.hex());
  ASSERT_EQ(::chmod(name.c_str(), 0777), 0);
  ASSERT_TRUE(store().open_tree(tree_.root).ok());
  const auto collect = [&] {
    return store()
        .collect(
            {},
            [&]() -> base::Result<LiveSet> { return LiveSet{.blobs = {}, .trees = {tree_.root}}; })
        ->trees;
  };
  EXPECT_EQ(collect(), 0U);
  EXPECT_TRUE(base::stat_at(mounted->get(), "d/f").ok());
  user = ContentStore::open(home_.fd());
  EXPECT_EQ(collect(), 1U);
}

}  // namespace
}  // namespace stagebox::store
