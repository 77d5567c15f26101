#include "runtime/store/content/content_store.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::ErrorKind;
using base::Sha256;

constexpr time_t kYear2000 = 946684800;

TEST_F(StoreTest, BlobsComeBackAsTheyWere) {
  const std::string content("with\0NUL and \xFF", 14);
  const auto ref = store().put_bytes(content);
  ASSERT_TRUE(ref.ok());
  EXPECT_EQ(ref->digest, Sha256::of(content));
  EXPECT_EQ(ref->size, content.size());
  EXPECT_EQ(store().read_blob(ref->digest, content.size()).value(), content);
  EXPECT_EQ(store().read_blob(ref->digest, content.size() - 1).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(store().read_blob(Sha256::of("absent"), 9).error().kind, ErrorKind::kNotFound);
}

TEST_F(StoreTest, BlobsLookTheSameWheneverTheyWereStored) {
  const auto plain = store().put_bytes("x");
  const auto tool = store().put_bytes("x", Executable::kYes);
  ASSERT_TRUE(plain.ok() && tool.ok());
  EXPECT_EQ(plain->digest, tool->digest);
  const auto status = base::stat_at(home_.fd(), blob_path(plain->digest));
  const auto exec = base::stat_at(home_.fd(), blob_path(plain->digest, ".x"));
  ASSERT_TRUE(status.ok() && exec.ok());
  EXPECT_EQ(status->st_mode, static_cast<mode_t>(S_IFREG | 0444));
  EXPECT_EQ(exec->st_mode, static_cast<mode_t>(S_IFREG | 0555));
  EXPECT_EQ(status->st_mtim.tv_sec, kYear2000);
  EXPECT_EQ(exec->st_mtim.tv_nsec, 0);
}

TEST_F(StoreTest, StoringTwiceKeepsTheOneFile) {
  const Digest digest = store().put_bytes("once")->digest;
  const ino_t before = base::stat_at(home_.fd(), blob_path(digest))->st_ino;
  ASSERT_TRUE(store().put_bytes("once").ok());
  EXPECT_EQ(base::stat_at(home_.fd(), blob_path(digest))->st_ino, before);
}

TEST_F(StoreTest, ADamagedBlobIsReportedRemovedAndStoredAgain) {
  const Digest digest = store().put_bytes("truth")->digest;
  const std::string path = blob_path(digest);
  ASSERT_EQ(::fchmodat(home_.fd(), path.c_str(), 0600, 0), 0);
  ASSERT_TRUE(base::write_all(base::open_path(home_.path(path), O_WRONLY)->get(), "lies!").ok());
  // Dressed up as a blob again, so that only reading it tells.
  const struct timespec times[2] = {{0, UTIME_NOW}, {kYear2000, 0}};
  ASSERT_EQ(::utimensat(home_.fd(), path.c_str(), times, 0), 0);
  ASSERT_EQ(::fchmodat(home_.fd(), path.c_str(), 0444, 0), 0);
  EXPECT_EQ(store().read_blob(digest, 100).error().kind, ErrorKind::kCorrupt);
  EXPECT_FALSE(store().has_blob(digest));
  EXPECT_EQ(ContentStore::open(home_.fd())->read_blob(digest, 100).error().kind,
            ErrorKind::kNotFound);
  ASSERT_TRUE(store().put_bytes("truth").ok());
  EXPECT_EQ(store().read_blob(digest, 100).value(), "truth");
}

TEST_F(StoreTest, AVisiblyChangedBlobCountsAsNoneAndIsReplaced) {
  const Digest digest = store().put_bytes("truth")->digest;
  const std::string path = blob_path(digest);
  ASSERT_EQ(::unlinkat(home_.fd(), path.c_str(), 0), 0);
  ASSERT_EQ(::symlinkat("/etc/passwd", home_.fd(), path.c_str()), 0);
  EXPECT_FALSE(store().has_blob(digest));
  ASSERT_TRUE(store().put_bytes("truth").ok());
  EXPECT_EQ(store().read_blob(digest, 100).value(), "truth");
  ASSERT_EQ(::unlinkat(home_.fd(), path.c_str(), 0), 0);
  ASSERT_EQ(::mkdirat(home_.fd(), path.c_str(), 0700), 0);
  ASSERT_TRUE(store().put_bytes("truth").ok());
  EXPECT_EQ(store().read_blob(digest, 100).value(), "truth");
}

TEST_F(StoreTest, LargeFilesAreStreamedAndHashedAsStored) {
  // The larger one is hashed while it is copied.
  for (const std::size_t size : {std::size_t{3'000'000}, std::size_t{20'000'000}}) {
    std::string content;
    for (int i = 0; content.size() < size; ++i) content += std::to_string(i) + " ";
    write_at(source_, "big", content);
    const auto fd = base::open_path(source_.path("big"), O_RDONLY);
    const auto ref = store().put_file(fd->get(), Executable::kNo);
    ASSERT_TRUE(ref.ok()) << ref.error().message;
    EXPECT_EQ(ref->digest, Sha256::of(content));
    EXPECT_EQ(ref->size, content.size());
    EXPECT_EQ(store().read_blob(ref->digest, content.size()).value(), content);
    // Again: copied, found to be there, dropped.
    ASSERT_EQ(::lseek(fd->get(), 0, SEEK_SET), 0);
    EXPECT_EQ(store().put_file(fd->get(), Executable::kNo).value(), *ref);
  }
}

TEST_F(StoreTest, AFileThatIsReadFromItsMiddleIsStoredFromThere) {
  const std::string content(8'000'000, 'm');
  write_at(source_, "big", "head" + content);
  const auto fd = base::open_path(source_.path("big"), O_RDONLY);
  ASSERT_EQ(::lseek(fd->get(), 4, SEEK_SET), 4);
  EXPECT_EQ(store().put_file(fd->get(), Executable::kNo)->digest, Sha256::of(content));
}

TEST_F(StoreTest, FileLimitsHoldForSmallAndLarge) {
  for (const std::size_t size :
       {std::size_t{10}, std::size_t{262144}, std::size_t{1'000'000}, std::size_t{10'000'000}}) {
    write_at(source_, "f", std::string(size, 'x'));
    const auto fd = base::open_path(source_.path("f"), O_RDONLY);
    EXPECT_EQ(store().put_file(fd->get(), Executable::kNo, {size - 1}).error().kind,
              ErrorKind::kInvalid);
    ASSERT_EQ(::lseek(fd->get(), 0, SEEK_SET), 0);
    EXPECT_TRUE(store().put_file(fd->get(), Executable::kNo, {size}).ok()) << size;
  }
  const auto dir = base::open_path(source_.path(), O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(store().put_file(dir->get(), Executable::kNo).error().kind, ErrorKind::kInvalid);
}

TEST_F(StoreTest, WhatIsStoppedStoresNothing) {
  std::stop_source stop;
  stop.request_stop();
  constexpr std::size_t kHashedWhileCopied = 20'000'000;
  const std::string content(kHashedWhileCopied, 'x');
  write_at(source_, "big", content);
  write_at(source_, "middle", content.substr(0, 1'000'000));
  for (const char* name : {"big", "middle"}) {
    const auto fd = base::open_path(source_.path(name), O_RDONLY);
    const auto stored = store().put_file(fd->get(), Executable::kNo, {.stop = stop.get_token()});
    EXPECT_EQ(stored.error().kind, ErrorKind::kCancelled) << name;
  }
  TreeOptions options;
  options.stop = stop.get_token();
  EXPECT_EQ(store().put_tree(source_.fd(), options).error().kind, ErrorKind::kCancelled);
  EXPECT_FALSE(store().has_blob(Sha256::of(content)));
  EXPECT_TRUE(store().put_tree(source_.fd()).ok());
}

TEST_F(StoreTest, OpenFileMakesTheVariantThatIsAsked) {
  const Digest digest = store().put_bytes("#!/bin/sh\n")->digest;
  const auto fd = store().open_file(digest, Executable::kYes);
  ASSERT_TRUE(fd.ok()) << fd.error().message;
  const auto status = base::stat_fd(fd->get());
  EXPECT_EQ(status->st_mode, static_cast<mode_t>(S_IFREG | 0555));
  EXPECT_TRUE(store().has_blob(digest, Executable::kYes));
  EXPECT_EQ(::write(fd->get(), "x", 1), -1) << "a descriptor to mount, not to use";
  EXPECT_EQ(store().open_file(Sha256::of("absent"), Executable::kNo).error().kind,
            ErrorKind::kNotFound);
}

TEST_F(StoreTest, ExportFileRefusesToReplaceOrLeave) {
  const Digest digest = store().put_bytes("x")->digest;
  const TempDir out;
  ASSERT_TRUE(store().export_file(digest, Executable::kYes, out.fd(), "tool").ok());
  EXPECT_EQ(base::stat_at(out.fd(), "tool")->st_mode & 0700U, 0700U);
  EXPECT_EQ(store().export_file(digest, Executable::kNo, out.fd(), "tool").error().errno_value,
            EEXIST);
  EXPECT_FALSE(store().export_file(digest, Executable::kNo, out.fd(), "../up").ok());
  const TempDir outside;
  ASSERT_EQ(::symlinkat(outside.path("new").c_str(), out.fd(), "link"), 0);
  EXPECT_FALSE(store().export_file(digest, Executable::kNo, out.fd(), "link").ok());
  EXPECT_TRUE(base::list_dir(outside.fd())->empty());
  EXPECT_FALSE(store().export_file(Sha256::of("absent"), Executable::kNo, out.fd(), "no").ok());
  EXPECT_THAT(base::list_dir(out.fd()).value(), ::testing::ElementsAre("link", "tool"));
}

TEST_F(StoreTest, ManyThreadsMayStoreTheSame) {
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const std::string own = std::to_string(t) + "/" + std::to_string(i);
        const auto shared = store().put_bytes("shared " + std::to_string(i));
        const auto mine = store().put_bytes(own);
        const bool well = shared.ok() && mine.ok() && store().has_blob(shared->digest) &&
                          store().read_blob(mine->digest, 100).ok();
        failures += well ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

TEST_F(StoreTest, PutBlobsStoresAll) {
  std::vector<std::string> contents;
  for (int i = 0; i < 50; ++i) contents.push_back("blob " + std::to_string(i));
  const auto refs = store().put_blobs(contents);
  ASSERT_TRUE(refs.ok());
  ASSERT_EQ(refs->size(), contents.size());
  for (std::size_t i = 0; i < contents.size(); ++i) {
    EXPECT_EQ(store().read_blob((*refs)[i].digest, 100).value(), contents[i]);
  }
}

TEST_F(StoreTest, AnOwnerIsGivenWhatIsStored) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_CHOWN to give files away";
  const TempDir home;
  const auto given = ContentStore::open(home.fd(), {.uid = 12345, .gid = 23456});
  ASSERT_TRUE(given.ok());
  write_at(source_, "d/f", "x");
  const auto tree = given->put_tree(source_.fd());
  ASSERT_TRUE(tree.ok()) << tree.error().message;
  const auto dir = given->open_tree(tree->root);
  ASSERT_TRUE(dir.ok()) << dir.error().message;
  for (const char* path : {".", "d", "d/f"}) {
    const auto status = base::stat_at(dir->get(), path);
    EXPECT_EQ(status->st_uid, 12345U) << path;
    EXPECT_EQ(status->st_gid, 23456U) << path;
  }
}

}  // namespace
}  // namespace stagebox::store
