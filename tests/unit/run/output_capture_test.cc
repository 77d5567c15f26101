// Capturing outputs from a workspace that a hostile stage has prepared.
#include "runtime/run/output_capture.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "tests/support/no_descriptors.h"
#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using stagebox::testing::TempDir;
using ::testing::HasSubstr;

class OutputCaptureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = store::ContentStore::open(home_.fd());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::make_unique<store::ContentStore>(std::move(*opened));
  }

  void write(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(base::replace_file_at(workspace_.fd(), name, content, 0644).ok());
  }

  [[nodiscard]] bool has(const std::string& name) const {
    return ::faccessat(workspace_.fd(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  }

  static scheduler::Output output(const std::string& path) {
    scheduler::Output output;
    output.name = "x";
    output.path = base::RelativePath::parse(path).value();
    return output;
  }

  base::Result<Capture> take(const std::vector<scheduler::Output>& outputs) {
    return capture_outputs(outputs, WorkspaceView{workspace_.fd()}, *store_,
                           {.source_files = store::SourceFiles::kTaken});
  }

  Capture capture(const scheduler::Output& output) {
    auto captured = take({output});
    EXPECT_TRUE(captured.ok()) << (captured.ok() ? "" : captured.error().message);
    return captured.ok() ? std::move(*captured) : Capture{};
  }

  void expect_problem(const scheduler::Output& output, const std::string& words) {
    const Capture captured = capture(output);
    EXPECT_TRUE(captured.outputs.empty());
    ASSERT_EQ(captured.problems.size(), 1U);
    EXPECT_THAT(captured.problems.front(), HasSubstr(words));
  }

  TempDir home_;
  TempDir workspace_;
  TempDir host_;
  std::unique_ptr<store::ContentStore> store_;
};

TEST_F(OutputCaptureTest, WhatTheMachineLacksIsNoProblemOfTheStages) {
  write("file", "content");
  const stagebox::testing::NoDescriptors none;
  const auto captured = take({output("file")});
  ASSERT_FALSE(captured.ok());
  EXPECT_EQ(captured.error().errno_value, EMFILE) << captured.error().message;
  EXPECT_THAT(captured.error().message, HasSubstr("output \"x\" (file): open"));
}

TEST_F(OutputCaptureTest, TakesFilesAndDirectories) {
  write("file", "content");
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "dir", 0755).ok());
  write("dir/a", "12345");
  const Capture file = capture(output("file"));
  ASSERT_EQ(file.outputs.size(), 1U);
  EXPECT_EQ(file.outputs[0].kind, store::OutputKind::kFile);
  EXPECT_EQ(file.outputs[0].digest, base::Sha256::of("content"));
  const Capture dir = capture(output("dir"));
  ASSERT_EQ(dir.outputs.size(), 1U);
  EXPECT_EQ(dir.outputs[0].total_bytes, 5U);
}

// It is kept for `stagebox shell`.
TEST_F(OutputCaptureTest, AProblemWithOneLeavesTheFilesOfAllInTheWorkspace) {
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "dir", 0755).ok());
  write("dir/a", "1");
  write("file", "2");
  ASSERT_EQ(::mkfifoat(workspace_.fd(), "fifo", 0600), 0);
  const auto captured = take({output("dir"), output("file"), output("fifo")});
  ASSERT_TRUE(captured.ok()) << captured.error().message;
  EXPECT_EQ(captured->problems.size(), 1U);
  EXPECT_TRUE(has("dir/a") && has("file"));
  const auto taken = take({output("dir"), output("file")});
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  EXPECT_EQ(taken->outputs.size(), 2U);
  EXPECT_FALSE(has("dir/a") || has("file"));
}

// A copy-on-write mount: the workspace's directory has only its mount point.
TEST_F(OutputCaptureTest, WhatIsBelowAMountIsTakenFromTheMount) {
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "src", 0755).ok());
  write("src/file", "hidden by the mount");
  write("srcfile", "beside");
  const TempDir mounted;
  const TempDir above;
  ASSERT_TRUE(base::replace_file_at(mounted.fd(), "file", "covered", 0644).ok());
  ASSERT_TRUE(base::replace_file_at(above.fd(), "file", "content", 0644).ok());
  const auto src = base::RelativePath::parse("src").value();
  const WorkspaceView view{workspace_.fd(), {{src, mounted.fd()}, {src, above.fd()}}};
  const auto captured = capture_outputs(
      {output("src/file"), output("srcfile"), output("src/absent")}, view, *store_, {});
  ASSERT_TRUE(captured.ok()) << captured.error().message;
  ASSERT_EQ(captured->outputs.size(), 2U);
  EXPECT_EQ(captured->outputs[0].digest, base::Sha256::of("content"));
  EXPECT_EQ(captured->outputs[0].path.str(), "src/file");
  EXPECT_EQ(captured->outputs[1].digest, base::Sha256::of("beside"));
  ASSERT_EQ(captured->problems.size(), 1U);
  EXPECT_THAT(captured->problems[0], HasSubstr("(src/absent) is missing"));
}

TEST_F(OutputCaptureTest, MissingOutputsAreAProblemEach) {
  const auto captured = take({output("a"), output("b/c")});
  ASSERT_TRUE(captured.ok());
  EXPECT_EQ(captured->problems.size(), 2U);
  EXPECT_THAT(captured->problems[1], HasSubstr("missing"));
}

// Of a stage that failed: what is there is taken whatever else is wrong.
TEST_F(OutputCaptureTest, WhatIsMissingMayBe) {
  write("there", "x");
  ASSERT_EQ(::symlinkat("/etc", workspace_.fd(), "link"), 0);
  const auto captured = capture_outputs({output("absent"), output("link"), output("there")},
                                        WorkspaceView{workspace_.fd()}, *store_,
                                        {.missing = CaptureOptions::Missing::kIsFine});
  ASSERT_TRUE(captured.ok()) << captured.error().message;
  ASSERT_EQ(captured->outputs.size(), 1U);
  EXPECT_EQ(captured->outputs[0].path.str(), "there");
  EXPECT_TRUE(has("there")) << "it is not taken away";
  ASSERT_EQ(captured->problems.size(), 1U);
  EXPECT_THAT(captured->problems[0], HasSubstr("(link) is a symbolic link"));
}

TEST_F(OutputCaptureTest, LinksAreNotFollowed) {
  ASSERT_TRUE(base::replace_file_at(host_.fd(), "secret", "secret", 0600).ok());
  ASSERT_EQ(::symlinkat(host_.path("secret").c_str(), workspace_.fd(), "absolute"), 0);
  ASSERT_EQ(::symlinkat("/nowhere", workspace_.fd(), "dangling"), 0);
  ASSERT_EQ(::symlinkat(host_.path().c_str(), workspace_.fd(), "dir"), 0);
  write("real", "x");
  ASSERT_EQ(::symlinkat("real", workspace_.fd(), "inside"), 0);
  for (const char* path : {"absolute", "dangling", "dir", "dir/secret", "inside"})
    expect_problem(output(path), "symbolic link");
}

TEST_F(OutputCaptureTest, LinksInADirectoryStayLinks) {
  ASSERT_TRUE(base::replace_file_at(host_.fd(), "secret", "secret", 0600).ok());
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "dir", 0755).ok());
  ASSERT_EQ(::symlinkat(host_.path("secret").c_str(), workspace_.fd(), "dir/link"), 0);
  const Capture captured = capture(output("dir"));
  ASSERT_EQ(captured.outputs.size(), 1U);
  const auto listing = store_->read_directory(captured.outputs[0].digest);
  ASSERT_TRUE(listing.ok());
  ASSERT_EQ(listing->symlinks.size(), 1U);
  EXPECT_EQ(listing->symlinks[0].target, host_.path("secret"));
  EXPECT_FALSE(store_->has_blob(base::Sha256::of("secret")));
}

TEST_F(OutputCaptureTest, FifosDoNotHoldUsUp) {
  ASSERT_EQ(::mkfifoat(workspace_.fd(), "fifo", 0666), 0);
  expect_problem(output("fifo"), "neither a file nor a directory");
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "dir", 0755).ok());
  ASSERT_EQ(::mkfifoat(workspace_.fd(), "dir/fifo", 0666), 0);
  expect_problem(output("dir"), "fifo");
}

TEST_F(OutputCaptureTest, SocketsAreRefused) {
  const base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = workspace_.path("socket");
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address)), 0);
  const Capture captured = capture(output("socket"));
  EXPECT_TRUE(captured.outputs.empty());
  EXPECT_EQ(captured.problems.size(), 1U);
}

TEST_F(OutputCaptureTest, DevicesAreRefused) {
  if (::mknodat(workspace_.fd(), "null", S_IFCHR | 0666, makedev(1, 3)) != 0)
    GTEST_SKIP() << "only root may make device nodes";
  expect_problem(output("null"), "neither a file nor a directory");
}

TEST_F(OutputCaptureTest, HardLinksGiveTheirContentOnly) {
  write("a", "one");
  ASSERT_EQ(::linkat(workspace_.fd(), "a", workspace_.fd(), "b", 0), 0);
  const Capture captured = capture(output("b"));
  ASSERT_EQ(captured.outputs.size(), 1U);
  // What is stored is a copy: the stage's other name does not lead to it.
  write("a", "two");
  EXPECT_EQ(store_->read_blob(captured.outputs[0].digest, 100).value(), "one");
}

TEST_F(OutputCaptureTest, TheDeclaredTypeCounts) {
  write("file", "x");
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "dir", 0755).ok());
  scheduler::Output file = output("file");
  file.type = scheduler::OutputType::kDirectory;
  expect_problem(file, "a directory was declared");
  scheduler::Output dir = output("dir");
  dir.type = scheduler::OutputType::kFile;
  expect_problem(dir, "a file was declared");
}

TEST_F(OutputCaptureTest, AHugeSparseFileIsMeasuredNotRead) {
  write("sparse", "");
  ASSERT_EQ(::truncate(workspace_.path("sparse").c_str(), off_t{1} << 42), 0);
  scheduler::Output declared = output("sparse");
  declared.max_size = 1U << 20U;
  expect_problem(declared, "max_size");
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "dir", 0755).ok());
  ASSERT_EQ(::renameat(workspace_.fd(), "sparse", workspace_.fd(), "dir/sparse"), 0);
  declared.path = base::RelativePath::parse("dir").value();
  const Capture captured = capture(declared);
  EXPECT_TRUE(captured.outputs.empty());
  EXPECT_EQ(captured.problems.size(), 1U);
}

// Without a max_size there is a limit all the same, for all of them together.
TEST_F(OutputCaptureTest, HolesWithoutEndAreNotRead) {
  for (const char* name : {"sparse", "other"}) write(name, "");
  ASSERT_EQ(::truncate(workspace_.path("sparse").c_str(), off_t{1} << 42), 0);
  expect_problem(output("sparse"), "has 4.0 TiB, more than outputs without a max_size");
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "dir", 0755).ok());
  ASSERT_EQ(::renameat(workspace_.fd(), "sparse", workspace_.fd(), "dir/sparse"), 0);
  expect_problem(output("dir"), "64 GiB");
}

// What costs a stage nothing costs the store nothing: a copy has the holes of the file.
TEST_F(OutputCaptureTest, HolesStayHoles) {
  constexpr off_t kSize = off_t{256} << 20;
  write("sparse", "begin");
  const std::string path = workspace_.path("sparse");
  ASSERT_EQ(::truncate(path.c_str(), kSize), 0);
  const base::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(file.get(), "middle", 6, kSize / 2), 6);
  const auto captured =
      capture_outputs({output("sparse")}, WorkspaceView{workspace_.fd()}, *store_, {});
  ASSERT_TRUE(captured.ok()) << captured.error().message;
  ASSERT_EQ(captured->outputs.size(), 1U);
  const store::StoredOutput& stored = captured->outputs.front();
  EXPECT_EQ(stored.size, static_cast<std::uint64_t>(kSize));
  const auto exported =
      store_->export_file(stored.digest, store::Executable::kNo, workspace_.fd(), "copy");
  ASSERT_TRUE(exported.ok()) << exported.error().message;
  struct stat copy{};
  ASSERT_EQ(::fstatat(workspace_.fd(), "copy", &copy, 0), 0);
  EXPECT_EQ(copy.st_size, kSize);
  EXPECT_LT(copy.st_blocks * 512, off_t{4} << 20);
  const base::UniqueFd again(::openat(workspace_.fd(), "copy", O_RDONLY | O_CLOEXEC));
  char text[6]{};
  ASSERT_EQ(::pread(again.get(), text, sizeof(text), kSize / 2), 6);
  EXPECT_EQ(std::string(text, sizeof(text)), "middle");
}

TEST_F(OutputCaptureTest, MaxSizeIsTheSumOfATree) {
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "dir", 0755).ok());
  write("dir/a", std::string(600, 'x'));
  scheduler::Output declared = output("dir");
  declared.max_size = 1000;
  EXPECT_EQ(capture(declared).outputs.size(), 1U);
  write("dir/a", std::string(600, 'x'));
  write("dir/b", std::string(401, 'y'));
  EXPECT_EQ(capture(declared).problems.size(), 1U);
  EXPECT_TRUE(has("dir/a") && has("dir/b")) << "taken before the limit was looked at";
}

TEST_F(OutputCaptureTest, TheNumberOfFilesIsBounded) {
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "dir", 0755).ok());
  for (const char* name : {"dir/a", "dir/b", "dir/c", "file", "other"}) write(name, "x");
  const auto taken = [&](std::uint64_t most) {
    return capture_outputs({output("dir"), output("file"), output("other")},
                           WorkspaceView{workspace_.fd()}, *store_, {.max_files = most})
        .value();
  };
  EXPECT_TRUE(taken(5).problems.empty());
  const Capture one_too_many = taken(4);
  ASSERT_EQ(one_too_many.problems.size(), 1U);
  EXPECT_NE(one_too_many.problems[0].find("resources.outputs"), std::string::npos);
  EXPECT_EQ(taken(2).problems.size(), 1U) << "the directory alone";
}

TEST_F(OutputCaptureTest, ADeepTreeIsTakenOrRefusedButNeverFatal) {
  base::UniqueFd dir = base::duplicate(workspace_.fd()).value();
  for (int depth = 0; depth < 5000; ++depth) {
    ASSERT_TRUE(base::make_dir_at(dir.get(), "d", 0755).ok());
    dir = base::UniqueFd(::openat(dir.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(static_cast<bool>(dir));
  }
  const Capture captured = capture(output("d"));
  EXPECT_TRUE(captured.outputs.empty());
  EXPECT_EQ(captured.problems.size(), 1U);
}

TEST_F(OutputCaptureTest, UnreadableFilesAreTheStagesFault) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ASSERT_TRUE(base::make_dir_at(workspace_.fd(), "dir", 0755).ok());
  write("dir/a", "x");
  ASSERT_EQ(::fchmodat(workspace_.fd(), "dir/a", 0, 0), 0);
  EXPECT_EQ(capture(output("dir")).problems.size(), 1U);
}

}  // namespace
}  // namespace stagebox::run
