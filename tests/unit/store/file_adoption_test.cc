// Files of a dead stage become blobs without a copy, but only where nobody can change them any
// more.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::UniqueFd;
using ::testing::HasSubstr;

class FileAdoptionTest : public StoreTest {
 protected:
  /// Without leases it cannot be told whether a file is open for writing, and each is copied.
  [[nodiscard]] bool has_leases() const {
    const UniqueFd fd(::open(source_.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    const UniqueFd reader(
        ::open(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), O_RDONLY | O_CLOEXEC));
    return ::fcntl(reader.get(), F_SETLEASE, F_RDLCK) == 0 || errno == EAGAIN;
  }
  [[nodiscard]] UniqueFd open_source(const std::string& path, int flags) const {
    UniqueFd fd(::openat(source_.fd(), path.c_str(), flags | O_CLOEXEC));
    EXPECT_TRUE(static_cast<bool>(fd)) << path;
    return fd;
  }
  [[nodiscard]] ino_t inode_of(const std::string& path) const {
    struct stat status{};
    EXPECT_EQ(::fstatat(source_.fd(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW), 0) << path;
    return status.st_ino;
  }
  [[nodiscard]] ino_t blob_inode(std::string_view content, std::string_view suffix = "") const {
    struct stat status{};
    const std::string path = home_.path(blob_path(base::Sha256::of(content), suffix));
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status.st_ino;
  }
  [[nodiscard]] bool is_left(const std::string& path) const {
    return ::faccessat(source_.fd(), path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  }
  [[nodiscard]] TreeRef take() const {
    TreeOptions options;
    options.source_files = SourceFiles::kTaken;
    return put(options);
  }
  /// Takes a tree of one file, which is to be copied, not moved.
  void expect_copied(const std::string& content) const {
    const ino_t inode = inode_of("file");
    EXPECT_EQ(take().files, 1U);
    EXPECT_NE(blob_inode(content), inode);
    EXPECT_EQ(store().read_blob(base::Sha256::of(content), 100).value(), content);
  }
};

TEST_F(FileAdoptionTest, WhatIsStoredAlreadyStaysWhereItIs) {
  write_at(source_, "file", "content");
  const TreeRef kept = put();
  EXPECT_TRUE(is_left("file"));
  EXPECT_EQ(take(), kept);
  EXPECT_TRUE(is_left("file"));
}

TEST_F(FileAdoptionTest, FilesOfATreeAreMovedAndItsDirectoriesStay) {
  if (!has_leases()) GTEST_SKIP() << "the file system of temporary files has no leases";
  write_at(source_, "a/b/plain", "plain");
  write_at(source_, "a/run", "run", 04755);
  write_at(source_, "empty", "");
  const std::string large(std::size_t{3} << 20U, 'x');
  write_at(source_, "a/large", large);
  const ino_t plain = inode_of("a/b/plain");
  const ino_t run = inode_of("a/run");
  const ino_t much = inode_of("a/large");
  const TreeRef taken = take();
  EXPECT_EQ(taken.files, 4U);
  EXPECT_EQ(blob_inode("plain"), plain);
  EXPECT_EQ(blob_inode("run", ".x"), run);
  EXPECT_EQ(blob_inode(large), much);
  EXPECT_FALSE(is_left("a/b/plain") || is_left("a/run") || is_left("empty") || is_left("a/large"));
  EXPECT_TRUE(is_left("a/b"));
  EXPECT_TRUE(store().check_tree(taken.root).ok());
  // The looks of any other blob: the set-user-ID bit is gone.
  struct stat status{};
  ASSERT_EQ(::lstat(home_.path(blob_path(base::Sha256::of("run"), ".x")).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0555U);
}

// Stages have ids of their own; what is stored is nobody's any more.
TEST_F(FileAdoptionTest, WhatIsMovedBelongsToTheStore) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  write_at(source_, "file", "content");
  ASSERT_EQ(::chown(source_.path("file").c_str(), 12345, 12346), 0);
  EXPECT_EQ(take().files, 1U);
  struct stat status{};
  ASSERT_EQ(::lstat(home_.path(blob_path(base::Sha256::of("content"))).c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, ::geteuid());
  EXPECT_EQ(status.st_gid, ::getegid());
}

TEST_F(FileAdoptionTest, TheSameContentTwiceIsMovedOnce) {
  for (int i = 0; i < 300; ++i) write_at(source_, "d/" + std::to_string(i), "same");
  EXPECT_EQ(take().files, 300U);
  EXPECT_EQ(store().read_blob(base::Sha256::of("same"), 10).value(), "same");
}

TEST_F(FileAdoptionTest, ASingleFileIsMoved) {
  if (!has_leases()) GTEST_SKIP() << "the file system of temporary files has no leases";
  write_at(source_, "file", "content");
  const ino_t inode = inode_of("file");
  const UniqueFd fd = open_source("file", O_RDONLY);
  const auto blob = store().take_file(source_.fd(), "file", fd.get(), Executable::kNo);
  ASSERT_TRUE(blob.ok()) << blob.error().message;
  EXPECT_EQ(blob_inode("content"), inode);
  EXPECT_FALSE(is_left("file"));
}

// A descriptor can have left the sandbox through a socket that it shared with the host.
TEST_F(FileAdoptionTest, AFileThatIsOpenForWritingIsCopied) {
  write_at(source_, "file", "content");
  const UniqueFd writer = open_source("file", O_WRONLY);
  expect_copied("content");
  ASSERT_EQ(::pwrite(writer.get(), "CHANGED", 7, 0), 7);
  EXPECT_EQ(store().read_blob(base::Sha256::of("content"), 100).value(), "content");
}

TEST_F(FileAdoptionTest, AFileWhoseDescriptorIsOnItsWayThroughASocketIsCopied) {
  write_at(source_, "file", "content");
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd first(ends[0]);
  const UniqueFd second(ends[1]);
  {
    const UniqueFd writer = open_source("file", O_RDWR);
    char byte = 0;
    struct iovec data{&byte, 1};
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    struct msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int descriptor = writer.get();
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    ASSERT_EQ(::sendmsg(first.get(), &message, 0), 1);
  }
  expect_copied("content");
}

TEST_F(FileAdoptionTest, AFileThatIsMappedForWritingIsCopied) {
  write_at(source_, "file", "content");
  UniqueFd writer = open_source("file", O_RDWR);
  void* const memory = ::mmap(nullptr, 7, PROT_READ | PROT_WRITE, MAP_SHARED, writer.get(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  writer.reset();
  expect_copied("content");
  static_cast<char*>(memory)[0] = 'C';
  EXPECT_EQ(store().read_blob(base::Sha256::of("content"), 100).value(), "content");
  ASSERT_EQ(::munmap(memory, 7), 0);
}

TEST_F(FileAdoptionTest, AFileWithASecondNameIsCopied) {
  write_at(source_, "file", "content");
  const TempDir elsewhere;
  ASSERT_EQ(::linkat(source_.fd(), "file", elsewhere.fd(), "file", 0), 0);
  expect_copied("content");
}

TEST_F(FileAdoptionTest, AFileWithExtendedAttributesIsCopied) {
  write_at(source_, "file", "content");
  if (::setxattr(source_.path("file").c_str(), "user.note", "x", 1, 0) != 0 && errno == ENOTSUP)
    GTEST_SKIP() << "the file system has no extended attributes";
  expect_copied("content");
}

TEST_F(FileAdoptionTest, AFileWithReservedRoomIsCopied) {
  write_at(source_, "file", "content");
  {
    const UniqueFd fd = open_source("file", O_WRONLY);
    if (::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, 4 << 20) != 0 && errno == EOPNOTSUPP)
      GTEST_SKIP() << "the file system reserves no room";
  }
  expect_copied("content");
}

TEST_F(FileAdoptionTest, WhatTookTheNameMeanwhileIsNotStored) {
  write_at(source_, "file", "content");
  write_at(source_, "other", "something else");
  const UniqueFd fd = open_source("file", O_RDONLY);
  ASSERT_EQ(::renameat(source_.fd(), "other", source_.fd(), "file"), 0);
  const auto blob = store().take_file(source_.fd(), "file", fd.get(), Executable::kNo);
  ASSERT_TRUE(blob.ok()) << blob.error().message;
  EXPECT_EQ(blob->digest, base::Sha256::of("content"));
  EXPECT_EQ(store().read_blob(base::Sha256::of("content"), 100).value(), "content");
  EXPECT_FALSE(store().has_blob(base::Sha256::of("something else")));
}

TEST_F(FileAdoptionTest, NothingIsMovedFromATreeThatIsTooLarge) {
  write_at(source_, "a", "12345");
  write_at(source_, "b", "12345");
  TreeOptions options;
  options.source_files = SourceFiles::kTaken;
  options.max_bytes = 9;
  EXPECT_THAT(put_error(options), HasSubstr("limit"));
  EXPECT_TRUE(is_left("a") && is_left("b"));
  ASSERT_FALSE(store().survey_tree(source_.fd(), options).ok());
  options.max_bytes = 10;
  const auto size = store().survey_tree(source_.fd(), options);
  ASSERT_TRUE(size.ok()) << size.error().message;
  EXPECT_EQ(size->files, 2U);
  EXPECT_EQ(size->bytes, 10U);
  EXPECT_TRUE(is_left("a") && is_left("b"));
}

}  // namespace
}  // namespace stagebox::store
