#include "runtime/store/content/stat_cache.h"

#include <algorithm>

#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::Sha256;

/// A file's status as if it had last changed `age` seconds ago.
struct stat aged(std::int64_t age) {
  struct stat status{};
  status.st_dev = 1;
  status.st_ino = 2;
  status.st_size = 3;
  status.st_mode = S_IFREG | 0644;
  status.st_mtim = {::time(nullptr) - age, 5};
  status.st_ctim = {::time(nullptr) - age, 6};
  return status;
}

class StatCacheTest : public ::testing::Test {
 protected:
  [[nodiscard]] StatCache load(std::string_view root = "/src") const {
    return StatCache::load(dir_.fd(), root);
  }
  void remember(const std::string& path, const struct stat& status) const {
    StatCache cache = load();
    cache.note(path, status, Sha256::of("content"));
    cache.save();
  }
  [[nodiscard]] std::string file() const {
    const auto names = base::list_dir(dir_.fd());
    return names->empty() ? "" : names->front();
  }
  TempDir dir_;
};

TEST_F(StatCacheTest, RemembersWhatIsUnchanged) {
  const struct stat status = aged(100);
  remember("a", status);
  StatCache cache = load();
  EXPECT_EQ(cache.find("a", status), Sha256::of("content"));
  EXPECT_FALSE(cache.find("b", status));
  EXPECT_FALSE(load("/elsewhere").find("a", status)) << "each root has a cache of its own";
}

TEST_F(StatCacheTest, EveryFieldCounts) {
  const struct stat status = aged(100);
  remember("a", status);
  const auto differs = [&](auto change) {
    struct stat other = status;
    change(other);
    return !load().find("a", other).has_value();
  };
  EXPECT_TRUE(differs([](struct stat& s) { ++s.st_dev; }));
  EXPECT_TRUE(differs([](struct stat& s) { ++s.st_ino; }));
  EXPECT_TRUE(differs([](struct stat& s) { ++s.st_size; }));
  EXPECT_TRUE(differs([](struct stat& s) { s.st_mode |= S_IXUSR; }));
  EXPECT_TRUE(differs([](struct stat& s) { ++s.st_mtim.tv_sec; }));
  EXPECT_TRUE(differs([](struct stat& s) { ++s.st_mtim.tv_nsec; }));
  EXPECT_TRUE(differs([](struct stat& s) { ++s.st_ctim.tv_sec; }));
  EXPECT_TRUE(differs([](struct stat& s) { ++s.st_ctim.tv_nsec; }));
}

TEST_F(StatCacheTest, RacyAndFutureFilesAreNotRemembered) {
  for (const std::int64_t age : {0, 1, 2, -100}) {
    remember("a", aged(age));
    EXPECT_FALSE(load().find("a", aged(age))) << age;
  }
  struct stat forged = aged(0);
  forged.st_mtim.tv_sec -= 1000;  // utimensat sets this one, but not ctime
  remember("a", forged);
  EXPECT_FALSE(load().find("a", forged));
}

TEST_F(StatCacheTest, ADamagedFileIsAnEmptyCache) {
  const struct stat status = aged(100);
  remember("a", status);
  const std::string good = *base::read_file_at(dir_.fd(), file(), 10'000);
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    ASSERT_TRUE(base::replace_file_at(dir_.fd(), file(), bad, 0600).ok());
    EXPECT_FALSE(load().find("a", status)) << at;
    ASSERT_TRUE(base::replace_file_at(dir_.fd(), file(), good.substr(0, at), 0600).ok());
    EXPECT_FALSE(load().find("a", status)) << at;
  }
}

TEST_F(StatCacheTest, TheOrderOfTheWalksDoesNotMatter) {
  const struct stat status = aged(100);
  const auto digest_of = [](const std::string& path) { return Sha256::of("content of " + path); };
  // Each walk comes to some files more, some fewer, and in another order.
  const std::vector<std::vector<std::string>> walks{
      {"a", "b", "c"}, {"c", "b", "a"}, {"b", "d", "c", "e"}, {"a", "b", "d", "c", "e"}, {}, {"e"}};
  std::vector<std::string> before;
  for (const auto& walk : walks) {
    StatCache cache = load();
    for (const std::string& path : walk) {
      const bool known = std::ranges::find(before, path) != before.end();
      EXPECT_EQ(cache.find(path, status), known ? std::optional(digest_of(path)) : std::nullopt);
    }
    for (const std::string& path : walk) {
      if (std::ranges::find(before, path) == before.end())
        cache.note(path, status, digest_of(path));
    }
    cache.save();
    before = walk;
  }
}

TEST_F(StatCacheTest, AFileThatChangedTakesTheNewDigest) {
  const struct stat status = aged(100);
  for (const char* path : {"a", "b"}) remember(path, status);
  struct stat changed = status;
  ++changed.st_size;
  StatCache cache = load();
  EXPECT_FALSE(cache.find("b", changed));
  cache.note("b", changed, Sha256::of("new"));
  cache.save();
  EXPECT_EQ(load().find("b", changed), Sha256::of("new"));
  EXPECT_FALSE(load().find("b", status));
  StatCache same = load();
  EXPECT_TRUE(same.find("b", changed));
  same.note("b", changed, Sha256::of("newer"));
  same.save();
  EXPECT_EQ(load().find("b", changed), Sha256::of("newer")) << "it was read all the same";
}

TEST_F(StatCacheTest, WhatWasNotSeenIsForgotten) {
  const struct stat status = aged(100);
  remember("gone", status);
  remember("new", status);
  EXPECT_FALSE(load().find("gone", status));
  EXPECT_TRUE(load().find("new", status));
}

/// Whether a file was read cannot be seen from outside, so the cache is made to lie: who believes
/// it has not looked.
TEST_F(StoreTest, UnchangedFilesAreNotReadAgain) {
  write_at(source_, "f", "content");
  ::sleep(3);  // the racy window is one of real time, and nobody can set ctime
  TreeOptions options;
  options.stat_cache_key = source_.path();
  const TreeRef first = put(options);
  const auto caches = base::open_path(home_.path("stat-cache"), O_RDONLY | O_DIRECTORY);
  const struct stat status = *base::stat_at(source_.fd(), "f");
  StatCache lying = StatCache::load(caches->get(), options.stat_cache_key);
  EXPECT_EQ(lying.find("f", status), Sha256::of("content")) << "put_tree left it there";
  lying.note("f", status, store().put_bytes("a lie")->digest);
  lying.save();
  const TreeRef believed = put(options);
  EXPECT_EQ(store().read_directory(believed.root)->files[0].digest, Sha256::of("a lie"));
  EXPECT_EQ(put(), first) << "without a key everything is read";

  // What the cache says counts only while the store has the blob.
  ASSERT_EQ(::unlinkat(home_.fd(), blob_path(Sha256::of("a lie")).c_str(), 0), 0);
  EXPECT_EQ(put(options), first);

  // Changed to the same size and the same mtime: ctime tells.
  const struct timespec same[2] = {{0, UTIME_OMIT}, status.st_mtim};
  ASSERT_TRUE(base::write_all(base::open_path(source_.path("f"), O_WRONLY)->get(), "CONTENT").ok());
  ASSERT_EQ(::utimensat(source_.fd(), "f", same, 0), 0);
  EXPECT_NE(put(options).root, first.root);
}

/// The same for a file alone.
TEST_F(StoreTest, AnUnchangedFileIsNotReadAgain) {
  const std::string content = std::string(1 << 20, 'c');
  write_at(source_, "f", content);
  const auto put_it = [this] {
    const auto file = base::open_path(source_.path("f"), O_RDONLY);
    return store().put_known_file(file->get(), Executable::kNo, "key")->digest;
  };
  EXPECT_EQ(put_it(), Sha256::of(content));
  EXPECT_TRUE(names_in(home_.path("stat-cache")).empty()) << "it could change without a trace";
  ::sleep(3);
  EXPECT_EQ(put_it(), Sha256::of(content));
  const auto caches = base::open_path(home_.path("stat-cache"), O_RDONLY | O_DIRECTORY);
  const struct stat status = *base::stat_at(source_.fd(), "f");
  StatCache lying = StatCache::load(caches->get(), "key");
  EXPECT_EQ(lying.find("", status), Sha256::of(content)) << "it was left there";
  lying.note("", status, store().put_bytes("a lie")->digest);
  lying.save();
  EXPECT_EQ(put_it(), Sha256::of("a lie"));

  ASSERT_EQ(::unlinkat(home_.fd(), blob_path(Sha256::of("a lie")).c_str(), 0), 0);
  EXPECT_EQ(put_it(), Sha256::of(content)) << "only while the store has the blob";

  const struct timespec same[2] = {{0, UTIME_OMIT}, status.st_mtim};
  ASSERT_TRUE(base::write_all(base::open_path(source_.path("f"), O_WRONLY)->get(), "CONTENT").ok());
  ASSERT_EQ(::utimensat(source_.fd(), "f", same, 0), 0);
  EXPECT_EQ(put_it(), Sha256::of("CONTENT" + content.substr(7))) << "the change time tells";
}

}  // namespace
}  // namespace stagebox::store
