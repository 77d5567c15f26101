// Trees on their way out: materialised for stages, exported for people.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "runtime/store/content/tree_writer.h"
#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::ErrorKind;
using base::Sha256;

class NullTarget : public TreeTarget {
 public:
  base::Result<void> write_file(int /*dir_fd*/, const FileEntry& /*entry*/) override { return {}; }
  base::Result<void> finish_link(int /*dir_fd*/, const std::string& /*name*/) override {
    return {};
  }
  base::Result<void> finish_dir(int /*dir_fd*/) override { return {}; }
  [[nodiscard]] unsigned dir_mode() const override { return 0700; }
};

TEST_F(StoreTest, AMaterialisedTreeIsReadOnlyAndShared) {
  write_at(source_, "d/tool", "tool", 0755);
  write_at(source_, "f", "f");
  ASSERT_EQ(::symlinkat("d/tool", source_.fd(), "l"), 0);
  const TreeRef tree = put();
  const auto dir = store().open_tree(tree.root);
  ASSERT_TRUE(dir.ok()) << dir.error().message;
  EXPECT_EQ(base::stat_at(dir->get(), ".")->st_mode & 07777U, 0555U);
  EXPECT_EQ(base::stat_at(dir->get(), "d")->st_mode & 07777U, 0555U);
  EXPECT_EQ(base::stat_at(dir->get(), "d")->st_mtim.tv_sec, 946684800);
  EXPECT_EQ(base::stat_at(dir->get(), "d/tool")->st_mode & 07777U, 0555U);
  EXPECT_EQ(base::stat_at(dir->get(), "f")->st_mode & 07777U, 0444U);
  EXPECT_EQ(base::stat_at(dir->get(), "f")->st_ino,
            base::stat_at(home_.fd(), blob_path(Sha256::of("f")))->st_ino);
  EXPECT_EQ(base::stat_at(dir->get(), "l")->st_mtim.tv_sec, 946684800);
  char target[16] = {};
  EXPECT_EQ(::readlinkat(dir->get(), "l", target, sizeof(target)), 6);
  EXPECT_STREQ(target, "d/tool");
  const auto again = store().open_tree(tree.root);
  EXPECT_EQ(base::stat_fd(again->get())->st_ino, base::stat_fd(dir->get())->st_ino);
}

TEST_F(StoreTest, AnOverlayTreeBelongsToTheStagesUserAndIsNotTheBlobs) {
  write_at(source_, "d/tool", "tool", 0755);
  write_at(source_, "f", "f");
  const TreeRef tree = put();
  const StageIds ids = ::geteuid() == 0 ? StageIds{1000, 100} : StageIds{};
  const auto dir = store().open_overlay_tree(tree.root, ids);
  ASSERT_TRUE(dir.ok()) << dir.error().message;
  EXPECT_EQ(base::stat_at(dir->get(), "d")->st_mode & 07777U, 0755U);
  EXPECT_EQ(base::stat_at(dir->get(), "d/tool")->st_mode & 07777U, 0755U);
  const struct stat file = base::stat_at(dir->get(), "f").value();
  EXPECT_EQ(file.st_mode & 07777U, 0644U);
  EXPECT_EQ(file.st_uid, ::geteuid() + ids.uid);
  EXPECT_EQ(file.st_gid, ::getegid() + ids.gid);
  EXPECT_NE(file.st_ino, base::stat_at(home_.fd(), blob_path(Sha256::of("f")))->st_ino);
  const auto plain = store().open_tree(tree.root);
  EXPECT_NE(base::stat_fd(plain->get())->st_ino, base::stat_fd(dir->get())->st_ino);
}

TEST_F(StoreTest, AnOverlayTreeOfADamagedBlobIsRefusedAndTheBlobDropped) {
  write_at(source_, "f", "good");
  const TreeRef tree = put();
  const std::string blob = blob_path(Sha256::of("good"));
  {
    ASSERT_EQ(::fchmodat(home_.fd(), blob.c_str(), 0644, 0), 0);
    const base::UniqueFd fd(::openat(home_.fd(), blob.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(base::write_all(fd.get(), "evil").ok());
    const struct timespec times[2] = {{0, UTIME_NOW}, {946684800, 0}};
    ASSERT_EQ(::futimens(fd.get(), times), 0);
    ASSERT_EQ(::fchmod(fd.get(), 0444), 0);
  }
  const auto dir = store().open_overlay_tree(tree.root, {});
  ASSERT_FALSE(dir.ok());
  EXPECT_EQ(dir.error().kind, ErrorKind::kCorrupt);
  EXPECT_FALSE(store().has_blob(Sha256::of("good")));
}

TEST_F(StoreTest, AMissingOrWrongPartFailsTheTreeByName) {
  write_at(source_, "d/f", "content");
  const TreeRef tree = put();
  const std::string path = blob_path(Sha256::of("content"));
  ASSERT_EQ(::unlinkat(home_.fd(), path.c_str(), 0), 0);
  EXPECT_FALSE(store().has_tree(tree.root));
  const auto missing = store().open_tree(tree.root);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(missing.error().message, ::testing::HasSubstr("\"f\""));

  DirectoryListing lying;
  lying.files.push_back({"f", store().put_bytes("four")->digest, 5, Executable::kNo});
  const Digest root = store().put_bytes(lying.encode())->digest;
  EXPECT_EQ(store().open_tree(root).error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(store().open_tree(store().put_bytes("no directory")->digest).error().kind,
            ErrorKind::kCorrupt);
}

TEST_F(StoreTest, ATreeUsesEitherVariantOfABlob) {
  DirectoryListing listing;
  listing.files.push_back({"tool", store().put_bytes("t")->digest, 1, Executable::kYes});
  const Digest root = store().put_bytes(listing.encode())->digest;
  EXPECT_TRUE(store().has_tree(root));
  const auto dir = store().open_tree(root);
  ASSERT_TRUE(dir.ok()) << dir.error().message;
  EXPECT_EQ(base::stat_at(dir->get(), "tool")->st_mode & 07777U, 0555U);
}

TEST_F(StoreTest, ASmallMessageCannotStandForAnEndlessTree) {
  // Thirty levels of two equal children: a billion directories in thirty blobs.
  Digest digest = store().put_bytes("")->digest;
  std::uint64_t size = 0;
  for (int level = 0; level < 30; ++level) {
    DirectoryListing listing;
    for (const char* name : {"a", "b"}) listing.directories.push_back({name, digest, size});
    const std::string message = listing.encode();
    size = message.size();
    digest = store().put_bytes(message)->digest;
  }
  EXPECT_TRUE(store().has_tree(digest)) << "shared directories are looked at once";
  NullTarget target;
  const TempDir out;
  const auto files = BlobFiles::open(home_.fd(), {});
  const auto written = write_tree(*files, digest, std::move(*base::duplicate(out.fd())), target,
                                  {.max_depth = 100, .max_entries = 500});
  ASSERT_FALSE(written.ok());
  EXPECT_THAT(written.error().message, ::testing::HasSubstr("more than 500 entries"));
  const TempDir deep;
  EXPECT_FALSE(write_tree(*files, digest, std::move(*base::duplicate(deep.fd())), target,
                          {.max_depth = 29, .max_entries = 500})
                   .ok());
}

TEST_F(StoreTest, MoreEqualFilesThanAnInodeHasLinks) {
  // ext4 allows 65,000 links; here the file system's own limit shows itself, or none does.
  constexpr int kFiles = 66'000;
  DirectoryListing listing;
  const Digest blob = store().put_bytes("same")->digest;
  for (int i = 0; i < kFiles; ++i) {
    listing.files.push_back({std::to_string(100'000 + i), blob, 4, Executable::kNo});
  }
  const Digest root = store().put_bytes(listing.encode())->digest;
  const auto dir = store().open_tree(root);
  ASSERT_TRUE(dir.ok()) << dir.error().message;
  const auto names = base::list_dir(dir->get());
  EXPECT_EQ(names->size(), static_cast<std::size_t>(kFiles));
  EXPECT_EQ(base::stat_at(dir->get(), names->back())->st_mode & 07777U, 0444U);
  EXPECT_EQ(*base::read_file_at(dir->get(), names->back(), 9), "same");
}

TEST_F(StoreTest, ThreadsAndProcessesMayMakeTheSameTree) {
  for (int i = 0; i < 100; ++i) write_at(source_, "d/f" + std::to_string(i), std::to_string(i));
  const TreeRef tree = put();
  std::atomic<int> failures = 0;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto own = ContentStore::open(home_.fd());
    ::_exit(own.ok() && own->open_tree(tree.root).ok() ? 0 : 1);
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const auto dir = store().open_tree(tree.root);
      const bool whole = dir.ok() && base::stat_at(dir->get(), "d/f99").ok();
      failures += whole ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(failures, 0);
}

TEST_F(StoreTest, ExportsAreOrdinaryVerifiedCopies) {
  write_at(source_, "d/tool", "tool", 0755);
  write_at(source_, "f", "f", 0600);
  ASSERT_EQ(::symlinkat("/nowhere", source_.fd(), "l"), 0);
  const TreeRef tree = put();
  const TempDir out;
  const mode_t umask_before = ::umask(022);
  ASSERT_TRUE(store().export_tree(tree.root, out.fd()).ok());
  ::umask(umask_before);
  EXPECT_EQ(base::stat_at(out.fd(), "d")->st_mode & 07777U, 0755U);
  EXPECT_EQ(base::stat_at(out.fd(), "d/tool")->st_mode & 07777U, 0755U);
  EXPECT_EQ(base::stat_at(out.fd(), "f")->st_mode & 07777U, 0644U);
  EXPECT_EQ(base::stat_at(out.fd(), "f")->st_nlink, 1U) << "not the store's own file";
  EXPECT_EQ(store().put_tree(out.fd())->root, tree.root);
  EXPECT_FALSE(store().export_tree(tree.root, out.fd()).ok()) << "only into an empty directory";
}

TEST_F(StoreTest, AFailedExportLeavesTheDestinationEmpty) {
  write_at(source_, "a/f", "a");
  write_at(source_, "z/f", "z");
  const TreeRef tree = put();
  ASSERT_EQ(::unlinkat(home_.fd(), blob_path(Sha256::of("z")).c_str(), 0), 0);
  const TempDir out;
  EXPECT_EQ(store().export_tree(tree.root, out.fd()).error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(base::list_dir(out.fd())->empty());
}

}  // namespace
}  // namespace stagebox::store
