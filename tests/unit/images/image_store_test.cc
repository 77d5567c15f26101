#include "images/image_store.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <thread>

#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::ElementsAre;

class ImageStoreTest : public ImageFixture {
 protected:
  static OciImage image(const std::string& content = "") {
    return OciImage()
        .gzipped(small_layer().finish())
        .gzipped(TarBuilder().file("content", content).finish());
  }
  base::Result<Image> import_as(const std::string& name, const std::string& path) {
    ImportOptions options = usual_options();
    options.name = name;
    return store_.import_archive(path, options);
  }
  [[nodiscard]] std::size_t count(const std::string& name) const {
    const auto begin = std::filesystem::directory_iterator(home_.path("images/" + name));
    return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
  }
  /// Lets the file's times lie far enough back to be trusted; waits, since ctime cannot be set.
  static void settle() { std::this_thread::sleep_for(std::chrono::milliseconds(2200)); }
};

TEST_F(ImageStoreTest, FindsByEveryName) {
  const auto stored = import_as("docker.io/library/gcc:12", archive(image()));
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  const std::string hex = stored->manifest_digest.hex();
  for (const std::string& text :
       std::vector<std::string>{"docker.io/library/gcc:12", hex, "sha256:" + hex, hex.substr(0, 6),
                                "sha256:" + hex.substr(0, 4), stored->config_digest.oci()}) {
    const auto found = store_.find(text);
    ASSERT_TRUE(found.ok()) << text << found.error().message;
    EXPECT_EQ(found->manifest_digest, stored->manifest_digest);
  }
  for (const char* text : {"gcc", "", "0000000", "sha256:", "../x"}) {
    const auto found = store_.find(text);
    ASSERT_FALSE(found.ok()) << text;
    EXPECT_EQ(found.error().kind, base::ErrorKind::kNotFound) << text;
  }
}

TEST_F(ImageStoreTest, NamesAreChecked) {
  const std::string path = archive(image());
  for (const std::string& name : std::vector<std::string>{
           "", "../x", "/x", ".x", "a b", "a%2F", "sha256:abc", "a\n", std::string(201, 'a')}) {
    const auto stored = import_as(name, path);
    ASSERT_FALSE(stored.ok()) << name;
    EXPECT_EQ(stored.error().kind, base::ErrorKind::kInvalid);
  }
  expect_nothing_stored();
  EXPECT_TRUE(import_as("a.new.1", path).ok());
  EXPECT_THAT(store_.list()->front().names, ElementsAre("a.new.1"));
}

TEST_F(ImageStoreTest, ListsAndMovesNames) {
  ASSERT_TRUE(import_as("one", archive(image("1"))).ok());
  ASSERT_TRUE(import_as("two", archive(image("1"))).ok());
  ASSERT_TRUE(import_as("two", archive(image("2"))).ok());
  const auto listed = store_.list();
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 2U);
  EXPECT_EQ(store_.find("two")->manifest_digest.oci(), testing::digest_of(image("2").manifest()));
  EXPECT_EQ(store_.find("one")->manifest_digest.oci(), testing::digest_of(image("1").manifest()));
}

TEST_F(ImageStoreTest, SharesLayersBelow) {
  ASSERT_TRUE(import(image("1")).ok());
  ASSERT_TRUE(import(image("2")).ok());
  EXPECT_EQ(count("layers"), 3U);
}

TEST_F(ImageStoreTest, RemoveAndCollect) {
  ASSERT_TRUE(import_as("one", archive(image("1"))).ok());
  ASSERT_TRUE(import_as("uno", archive(image("1"))).ok());
  const auto two = import_as("two", archive(image("2")));
  EXPECT_THAT(*store_.remove("uno"), ::testing::ElementsAre("one"));
  EXPECT_TRUE(store_.find("one").ok());
  EXPECT_THAT(*store_.remove("one"), ::testing::IsEmpty());
  EXPECT_FALSE(store_.find("one").ok());
  EXPECT_EQ(store_.remove("one").error().kind, base::ErrorKind::kNotFound);
  auto report = store_.collect_garbage();
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->layers_removed, 1U);
  EXPECT_GT(report->bytes_freed, 0U);
  EXPECT_TRUE(store_.rootfs(*two).ok());
  EXPECT_EQ(store_.collect_garbage()->bytes_freed, 0U);
  ASSERT_TRUE(store_.remove(two->manifest_digest.oci()).ok());
  report = store_.collect_garbage();
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->layers_removed, 2U);
  std::filesystem::remove(home_.path("images/lock"));
  expect_nothing_stored();
}

TEST_F(ImageStoreTest, LeasesKeepLayers) {
  const auto stored = import(image());
  ASSERT_TRUE(stored.ok());
  auto rootfs = store_.rootfs(*stored);
  ASSERT_TRUE(rootfs.ok());
  ASSERT_EQ(rootfs->layers.size(), 2U);
  EXPECT_EQ(::faccessat(rootfs->layers[0].get(), "content", F_OK, 0), 0);  // top first
  EXPECT_EQ(::faccessat(rootfs->layers[1].get(), "bin/sh", F_OK, 0), 0);
  ASSERT_TRUE(store_.remove(stored->manifest_digest.hex()).ok());
  auto report = store_.collect_garbage();
  EXPECT_EQ(report->layers_removed, 0U);
  EXPECT_EQ(report->layers_in_use, 2U);
  // The lease passes on to whoever has a duplicate.
  auto copy = base::duplicate(rootfs->leases[0].get());
  *rootfs = RootFs{};
  report = store_.collect_garbage();
  EXPECT_EQ(report->layers_removed, 1U);
  EXPECT_EQ(report->layers_in_use, 1U);
  copy->reset();
  EXPECT_EQ(store_.collect_garbage()->layers_removed, 1U);
  EXPECT_EQ(store_.rootfs(*stored).error().kind, base::ErrorKind::kNotFound);
}

TEST_F(ImageStoreTest, UnchangedFileIsNotReadAgain) {
  const std::string path = archive(image());
  settle();
  const auto stored = import(path);
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(count("memo"), 1U);
  const auto again = import(path);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->manifest_digest, stored->manifest_digest);
  // Same size, same mtime, other content: the change time tells.
  const auto before = *status_of(path);
  testing::write_file(path, std::string(static_cast<std::size_t>(before.st_size), 'x'));
  const std::array<struct timespec, 2> times = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
  EXPECT_FALSE(import(path).ok());
}

TEST_F(ImageStoreTest, MemoIsUsedWithoutTheArchivesContent) {
  // The same inode and times, but a memo that says otherwise: proof that it is what answers.
  const std::string path = archive(image("1"));
  settle();
  const auto one = import(path);
  ASSERT_TRUE(one.ok());
  const auto two = import(archive(image("2"), "other.tar"));
  ASSERT_TRUE(two.ok());
  ASSERT_EQ(count("memo"), 1U);
  const auto memo = std::filesystem::directory_iterator(home_.path("images/memo"))->path().string();
  std::string text = content_of(memo);
  text.replace(0, text.find('\n'), two->manifest_digest.oci());
  testing::write_file(memo, text);
  EXPECT_EQ(import(path)->manifest_digest, two->manifest_digest);
  // A layer is gone: the memo does not help, the archive is read again.
  ASSERT_TRUE(store_.remove(two->manifest_digest.hex()).ok());
  ASSERT_TRUE(store_.collect_garbage().ok());
  EXPECT_EQ(import(path)->manifest_digest, one->manifest_digest);
}

TEST_F(ImageStoreTest, WhatCannotBeRememberedIsImportedAllTheSame) {
  const std::string path = archive(image());
  settle();
  ASSERT_TRUE(import(path).ok());
  const auto memo = std::filesystem::directory_iterator(home_.path("images/memo"))->path();
  std::filesystem::remove(memo);
  std::filesystem::create_directories(memo / "in the way");
  const auto again = import(path);
  EXPECT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(count("memo"), 1U);
}

TEST_F(ImageStoreTest, FreshFileIsNotRemembered) {
  ASSERT_TRUE(import(image()).ok());
  EXPECT_EQ(count("memo"), 0U);
}

TEST_F(ImageStoreTest, MemoDoesNotForgetThePin) {
  const std::string path = archive(image());
  settle();
  ASSERT_TRUE(import(path).ok());
  ImportOptions options = usual_options();
  options.pinned = base::Sha256::of("else");
  EXPECT_FALSE(store_.import_archive(path, options).ok());
  options = usual_options();
  options.platform = {"linux", "arm64", ""};
  EXPECT_FALSE(store_.import_archive(path, options).ok());
}

TEST_F(ImageStoreTest, RecallsOnlyWhatWasImportedAndIsThere) {
  const std::string path = archive(image());
  settle();
  EXPECT_FALSE(store_.recall_archive(path, usual_options())->has_value());
  EXPECT_EQ(count("manifests"), 0U) << "nothing is imported";
  const auto stored = import(path);
  ASSERT_TRUE(stored.ok());
  auto known = store_.recall_archive(path, usual_options());
  ASSERT_TRUE(known.ok() && *known);
  EXPECT_EQ((*known)->image.manifest_digest, stored->manifest_digest);
  EXPECT_EQ((*known)->rootfs.layers.size(), stored->diff_ids.size());
  ImportOptions other = usual_options();
  other.pinned = base::Sha256::of("else");
  EXPECT_FALSE(store_.recall_archive(path, other)->has_value()) << "another question";
  *known = std::nullopt;
  for (const auto& layer : std::filesystem::directory_iterator(home_.path("images/layers")))
    std::filesystem::remove_all(layer.path());
  EXPECT_FALSE(store_.recall_archive(path, usual_options())->has_value());
}

TEST_F(ImageStoreTest, WhatCanBeReadOnceIsLeftForTheImport) {
  const std::string path = home_.path("fifo");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(store_.recall_archive(path, usual_options())->has_value());
  EXPECT_FALSE(store_.recall_archive("-", usual_options())->has_value());
}

TEST_F(ImageStoreTest, ThreadsShareOneImport) {
  const std::string path = archive(image());
  std::vector<std::thread> threads;
  std::vector<std::string> results(6);
  threads.reserve(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto stored = import_as("name" + std::to_string(i % 2), path);
      results[i] = stored.ok() ? stored->manifest_digest.oci() : stored.error().message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& result : results) {
    EXPECT_EQ(result, testing::digest_of(image().manifest()));
  }
  EXPECT_EQ(count("layers"), 2U);
  EXPECT_EQ(count("tmp"), 0U);
}

TEST_F(ImageStoreTest, ProcessesShareOneImport) {
  const std::string path = archive(image());
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const auto store = ImageStore::open(home_.fd(), usual_ownership());
      const auto stored = store->import_archive(path, usual_options());
      if (!stored.ok()) std::fprintf(stderr, "%s\n", stored.error().message.c_str());
      ::_exit(stored.ok() ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(count("layers"), 2U);
  EXPECT_EQ(count("tmp"), 0U);
}

TEST_F(ImageStoreTest, KilledImportsLeaveNothing) {
  OciImage large = image();
  TarBuilder tar;
  for (int i = 0; i < 2000; ++i) tar.file("d/f" + std::to_string(i), std::string(100, 'x'));
  large.gzipped(tar.finish());
  const std::string path = archive(large);
  for (int round = 0; round < 12; ++round) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const auto store = ImageStore::open(home_.fd(), usual_ownership());
      (void)store->import_archive(path, usual_options());
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(round * 7));
    ::kill(pid, SIGKILL);
    ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
    // Whatever is visible is whole.
    const auto listed = store_.list();
    ASSERT_TRUE(listed.ok()) << listed.error().message;
    for (const StoredImage& stored : *listed) EXPECT_TRUE(store_.rootfs(stored.image).ok());
  }
  ASSERT_TRUE(store_.collect_garbage().ok());
  EXPECT_EQ(count("tmp"), 0U);
  ASSERT_TRUE(import(path).ok());
  EXPECT_EQ(count("layers"), 3U);
}

TEST_F(ImageStoreTest, LeftoversAreRemovedAndReported) {
  std::filesystem::create_directories(home_.path("images/tmp/import/0/fs/locked"));
  testing::write_file(home_.path("images/tmp/import/0/fs/locked/file"), std::string(100'000, 'x'));
  std::filesystem::permissions(home_.path("images/tmp/import/0/fs/locked"),
                               std::filesystem::perms::none);
  testing::write_file(home_.path("images/manifests/" + std::string(64, 'a') + ".new.77"), "half");
  const auto report = store_.collect_garbage();
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->leftovers_removed, 1U);
  if (is_root()) {
    EXPECT_GE(report->bytes_freed, 100'000U);
  }
  std::filesystem::remove(home_.path("images/lock"));
  expect_nothing_stored();
}

TEST_F(ImageStoreTest, DamagedStoreIsToldApart) {
  const auto stored = import(image());
  ASSERT_TRUE(stored.ok());
  const std::string config = home_.path("images/configs/" + stored->config_digest.hex());
  testing::write_file(config, content_of(config) + " ");
  const auto found = store_.find(stored->manifest_digest.hex());
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().kind, base::ErrorKind::kCorrupt);
  EXPECT_EQ(store_.collect_garbage().error().kind, base::ErrorKind::kCorrupt);
  // Importing again repairs it; removing works too.
  EXPECT_TRUE(import(image()).ok());
  EXPECT_TRUE(store_.remove(stored->manifest_digest.hex()).ok());
}

TEST_F(ImageStoreTest, CancelledImportLeavesNothing) {
  std::stop_source source;
  source.request_stop();
  ImportOptions options = usual_options();
  options.stop = source.get_token();
  const auto stored = store_.import_archive(archive(image()), options);
  ASSERT_FALSE(stored.ok());
  EXPECT_EQ(stored.error().kind, base::ErrorKind::kCancelled);
  expect_nothing_stored();
}

TEST_F(ImageStoreTest, ProgressIsCounted) {
  const OciImage wanted = image();
  ImportOptions options = usual_options();
  ImportProgress progress;
  options.progress = &progress;
  ASSERT_TRUE(store_.import_archive(archive(wanted), options).ok());
  std::uint64_t stored = 0;
  for (const auto& layer : wanted.layers) stored += layer.blob.size();
  EXPECT_EQ(progress.bytes_total, stored);
  EXPECT_EQ(progress.bytes_read, stored);
  EXPECT_EQ(progress.entries, 5U);  // "etc" is implied
  EXPECT_EQ(progress.layers_total, 2U);
  EXPECT_EQ(progress.layers_done, 2U);
  EXPECT_EQ(progress.phase, ImportProgress::Phase::kWriting);
  // One layer more: the others are not unpacked again, but they are read and verified.
  OciImage more = wanted;
  more.plain(TarBuilder().file("more", "x").finish());
  ASSERT_TRUE(store_.import_archive(archive(more), options).ok());
  EXPECT_EQ(progress.bytes_total, stored + more.layers[2].tar.size());
  EXPECT_EQ(progress.bytes_read, progress.bytes_total);
  EXPECT_EQ(progress.layers_done, 3U);
}

TEST_F(ImageStoreTest, IdsAreSquashedOnlyWhenAsked) {
  if (!is_root()) GTEST_SKIP() << "without root every file is the user's, whatever its id";
  testing::TarFields fields;
  fields.name = "x";
  fields.uid = 70000;
  const std::string path =
      archive(OciImage().gzipped(small_layer().add(fields, "content").finish()));
  auto stored = import(path);
  ASSERT_FALSE(stored.ok());
  EXPECT_THAT(stored.error().message, ::testing::HasSubstr("--squash-ids"));
  ImportOptions squashing = usual_options();
  squashing.unmapped = LayerOwnership::Unmapped::kSquash;
  stored = store_.import_archive(path, squashing);
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(status_of(layer(*stored, 0) + "/x")->st_uid, 65534U);
  EXPECT_EQ(store_.details(*store_.list())[0].layers[0].squashed_ids, 1U);
  const auto report = store_.verify({*stored}, {});
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->damages.empty());
  // Whoever has not asked for it does not get it, although it is there.
  EXPECT_FALSE(import(path).ok());
  EXPECT_TRUE(store_.import_archive(path, squashing).ok());
}

TEST_F(ImageStoreTest, OwnershipsDoNotMix) {
  LayerOwnership single;
  single.mode = LayerOwnership::Mode::kSingle;
  LayerOwnership shifted;
  shifted.id_shift = 100000;
  EXPECT_NE(single.suffix(), shifted.suffix());
  const auto stored = open_store(single).import_archive(archive(image()), usual_options());
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(open_store(shifted).rootfs(*stored).error().kind, base::ErrorKind::kNotFound);
  EXPECT_TRUE(open_store(single).rootfs(*stored).ok());
}

TEST_F(ImageStoreTest, GarbageCollectionDoesNotRaceImports) {
  std::thread collector([&] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(store_.collect_garbage().ok());
  });
  for (int i = 0; i < 10; ++i) {
    const auto stored = import(archive(image(std::to_string(i))));
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    EXPECT_TRUE(store_.rootfs(*stored).ok());
  }
  collector.join();
}

}  // namespace
}  // namespace stagebox::images
