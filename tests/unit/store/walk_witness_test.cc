#include "runtime/store/content/walk_witness.h"

#include <functional>

#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

constexpr std::int64_t kFarFuture = std::int64_t{1} << 62U;

class WalkWitnessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write_at(tree_, "a", "content");
    write_at(tree_, "sub/b", "other");
    write_at(tree_, "sub/.gitignore", "ignored\n");
    write_at(tree_, "sub/ignored", "x");
    write_at(tree_, "build/left-out", "x");
    ASSERT_EQ(::symlinkat("a", tree_.fd(), "link"), 0);
    options_.exclude = *base::PathPatterns::parse({"build"});
    options_.gitignore = true;
  }

  std::vector<WalkWitness::Dir> walk() {
    auto store = ContentStore::open(home_.fd());
    WalkWitness witness;
    const auto stored = store->put_tree(tree_.fd(), options_, &witness);
    EXPECT_TRUE(stored.ok()) << stored.error().message;
    return witness.take();
  }
  [[nodiscard]] bool holds(const std::vector<WalkWitness::Dir>& dirs) const {
    return are_unchanged(dirs, tree_.fd());
  }
  /// The walk is told from the one before, after `change`.
  void expect_seen(const char* what, const std::function<void()>& change) {
    const auto before = walk();
    ASSERT_TRUE(holds(before)) << what;
    change();
    EXPECT_FALSE(holds(before)) << what;
    EXPECT_TRUE(holds(walk())) << what;
  }

  TempDir home_;
  TempDir tree_;
  TreeOptions options_;
};

TEST_F(WalkWitnessTest, KnowsWhatWasLookedAtAndNothingElse) {
  const auto dirs = walk();
  ASSERT_EQ(dirs.size(), 2U);
  EXPECT_EQ(dirs[0].path, ".");
  ASSERT_EQ(dirs[0].entries.size(), 2U);
  EXPECT_EQ(dirs[0].entries[0].name, "a");
  EXPECT_EQ(dirs[0].entries[1].name, "link");
  EXPECT_EQ(dirs[1].path, "sub");
  ASSERT_EQ(dirs[1].entries.size(), 3U) << ".gitignore is read, and taken";
  write_at(tree_, "build/left-out", "changed");
  write_at(tree_, "sub/ignored", "changed");
  EXPECT_TRUE(holds(dirs));
  EXPECT_FALSE(holds({})) << "nothing is no witness";
}

TEST_F(WalkWitnessTest, SeesEachChange) {
  expect_seen("content", [&] { write_at(tree_, "a", "CONTENT"); });
  expect_seen("content of the same size, the old time put back", [&] {
    struct stat status{};
    ASSERT_EQ(::fstatat(tree_.fd(), "sub/b", &status, 0), 0);
    write_at(tree_, "sub/b", "OTHER");
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    ASSERT_EQ(::utimensat(tree_.fd(), "sub/b", times, 0), 0);
  });
  expect_seen("a new file", [&] { write_at(tree_, "sub/new", "x"); });
  expect_seen("a file less", [&] { ASSERT_EQ(::unlinkat(tree_.fd(), "sub/new", 0), 0); });
  expect_seen("a new directory", [&] { ASSERT_EQ(::mkdirat(tree_.fd(), "dir", 0755), 0); });
  expect_seen("a mode", [&] { ASSERT_EQ(::fchmodat(tree_.fd(), "a", 0755, 0), 0); });
  expect_seen("where a link leads", [&] {
    ASSERT_EQ(::unlinkat(tree_.fd(), "link", 0), 0);
    ASSERT_EQ(::symlinkat("b", tree_.fd(), "link"), 0);
  });
  expect_seen("what is ignored", [&] { write_at(tree_, "sub/.gitignore", "ignoreD\n"); });
  expect_seen("a file for another with the same name", [&] {
    write_at(tree_, "other", "other content");
    ASSERT_EQ(::renameat(tree_.fd(), "other", tree_.fd(), "a"), 0);
  });
  expect_seen("a directory for another", [&] {
    ASSERT_EQ(::renameat(tree_.fd(), "sub", tree_.fd(), "build/sub"), 0);
    write_at(tree_, "sub/b", "OTHER");
  });
  expect_seen("a link for a directory", [&] {
    ASSERT_EQ(::renameat(tree_.fd(), "sub", tree_.fd(), "build/sub2"), 0);
    ASSERT_EQ(::symlinkat("build/sub2", tree_.fd(), "sub"), 0);
  });
}

TEST_F(WalkWitnessTest, TellsWhatChangedLately) {
  const auto dirs = walk();
  EXPECT_TRUE(are_older_than(dirs, kFarFuture));
  EXPECT_FALSE(are_older_than(dirs, dirs[1].stamp.mtime_ns)) << "not at the very time";
  auto later = dirs;
  for (auto& dir : later) {
    dir.stamp.mtime_ns = dir.stamp.ctime_ns = 5;
    for (auto& entry : dir.entries) entry.stamp.mtime_ns = entry.stamp.ctime_ns = 5;
  }
  EXPECT_TRUE(are_older_than(later, 6));
  later[1].entries[0].stamp.ctime_ns = 6;
  EXPECT_FALSE(are_older_than(later, 6));
}

TEST_F(WalkWitnessTest, SaysNothingOfWhatLiesTooDeep) {
  std::string path;
  for (int depth = 0; depth < 12; ++depth) path += std::string(200, 'd') + "/";
  base::UniqueFd dir(::open(tree_.path(".").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 12; ++depth) {
    const std::string name(200, 'd');
    ASSERT_EQ(::mkdirat(dir.get(), name.c_str(), 0755), 0);
    dir.reset(::openat(dir.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  EXPECT_TRUE(walk().empty());
}

class StoredFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write_at(tree_, "sub/b", "content", 0755);
    write_at(tree_, "a", "other");
    store_ = std::make_unique<ContentStore>(*ContentStore::open(home_.fd()));
    const auto tree = store_->put_tree(tree_.fd());
    ASSERT_TRUE(tree.ok());
    output_.kind = OutputKind::kDirectory;
    output_.digest = tree->root;
  }
  TempDir home_;
  TempDir tree_;
  std::unique_ptr<ContentStore> store_;
  StoredOutput output_;
};

TEST_F(StoredFilesTest, AreAllThatATreeReaches) {
  StoredFiles files;
  ASSERT_TRUE(store_->list_files(output_, files));
  EXPECT_EQ(files.size(), 4U) << "two files, two directories";
  for (const auto& [name, stamp] : files) {
    struct stat status{};
    const std::string path = stored_file_path(name.first, name.second);
    ASSERT_EQ(::fstatat(home_.fd(), path.c_str(), &status, 0), 0) << path;
    EXPECT_EQ(EntryStamp::of(status), stamp);
  }
}

TEST_F(StoredFilesTest, ABlobIsOneOfThem) {
  const auto blob = store_->put_bytes("results");
  ASSERT_TRUE(blob.ok());
  StoredFiles files;
  EXPECT_FALSE(store_->list_blob(base::Sha256::of("nobody stored it"), files));
  ASSERT_TRUE(store_->list_blob(blob->digest, files));
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files.begin()->first, std::pair(blob->digest, Executable::kNo));
}

TEST_F(StoredFilesTest, AreNotToldWhenOneIsDamagedOrGone) {
  StoredFiles files;
  ASSERT_TRUE(store_->list_files(output_, files));
  for (const auto& [name, stamp] : files) {
    const std::string path = home_.path(stored_file_path(name.first, name.second));
    const std::string content = *base::read_file(path, 1U << 20U);
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    StoredFiles now;
    EXPECT_FALSE(store_->list_files(output_, now)) << "another mode";
    // A damaged directory is removed when it is read.
    const int removed = ::unlink(path.c_str());
    ASSERT_TRUE(removed == 0 || errno == ENOENT) << path;
    EXPECT_FALSE(store_->list_files(output_, now)) << "gone";
    ASSERT_TRUE(store_->put_bytes(content, name.second).ok());
    EXPECT_TRUE(store_->list_files(output_, now)) << "there again";
  }
}

}  // namespace
}  // namespace stagebox::store
