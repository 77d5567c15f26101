#include "runtime/base/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace stagebox::base {
namespace {

using stagebox::testing::TempDir;

TEST(Files, ReplacesAndReadsWithALimit) {
  const TempDir dir;
  ASSERT_TRUE(replace_file_at(dir.fd(), "f", "hello", 0600).ok());
  EXPECT_EQ(read_file_at(dir.fd(), "f", 5).value(), "hello");
  EXPECT_FALSE(read_file_at(dir.fd(), "f", 4).ok());
  EXPECT_EQ(list_dir(dir.fd()).value(), std::vector<std::string>{"f"});
}

TEST(Files, WhatAKilledProcessLeftOfAFileIsRemovedAnHourLater) {
  const TempDir dir;
  const struct timespec old[2]{{0, 1}, {0, 1}};
  for (const char* name : {"f.new.12", "f.new.13", "f.new.x", "f.new.", "f", "new.12"})
    ASSERT_TRUE(replace_file_at(dir.fd(), name, "x", 0600).ok());
  ASSERT_EQ(::mkdirat(dir.fd(), "d.new.12", 0700), 0);
  const auto names = list_dir(dir.fd()).value();
  for (const std::string& name : names) {
    if (name == "f.new.13") continue;
    ASSERT_EQ(::utimensat(dir.fd(), name.c_str(), old, 0), 0);
  }
  ASSERT_TRUE(remove_abandoned_files(dir.fd()).ok());
  EXPECT_EQ(list_dir(dir.fd()).value(),
            (std::vector<std::string>{"d.new.12", "f", "f.new.", "f.new.13", "f.new.x", "new.12"}));
}

TEST(Files, OpenBeneathNeverLeavesTheDirectory) {
  const TempDir dir;
  ASSERT_EQ(::mkdirat(dir.fd(), "in", 0700), 0);
  ASSERT_EQ(::symlinkat("/etc", dir.fd(), "in/absolute"), 0);
  ASSERT_EQ(::symlinkat("..", dir.fd(), "in/up"), 0);
  ASSERT_EQ(::symlinkat(".", dir.fd(), "in/self"), 0);
  const auto in = open_path(dir.path("in"), O_PATH | O_DIRECTORY);
  ASSERT_TRUE(in.ok());
  constexpr int kFlags = O_PATH | O_DIRECTORY;
  EXPECT_FALSE(open_beneath(in->get(), "absolute", kFlags, Links::kFollowBeneath).ok());
  EXPECT_FALSE(open_beneath(in->get(), "up", kFlags, Links::kFollowBeneath).ok());
  EXPECT_FALSE(open_beneath(in->get(), "..", kFlags, Links::kFollowBeneath).ok());
  EXPECT_TRUE(open_beneath(in->get(), "self", kFlags, Links::kFollowBeneath).ok());
  EXPECT_FALSE(open_beneath(in->get(), "self", kFlags, Links::kRefuse).ok());
}

TEST(Files, RemoveTreeDoesNotFollowLinks) {
  const TempDir dir;
  ASSERT_EQ(::mkdirat(dir.fd(), "keep", 0700), 0);
  ASSERT_TRUE(replace_file_at(dir.fd(), "keep/canary", "x", 0600).ok());
  ASSERT_EQ(::mkdirat(dir.fd(), "gone", 0700), 0);
  ASSERT_EQ(::symlinkat("../keep", dir.fd(), "gone/link"), 0);
  ASSERT_TRUE(replace_file_at(dir.fd(), "gone/file", "x", 0000).ok());
  ASSERT_EQ(::mkdirat(dir.fd(), "gone/closed", 0000), 0);
  ASSERT_TRUE(remove_tree_at(dir.fd(), "gone").ok());
  EXPECT_EQ(list_dir(dir.fd()).value(), std::vector<std::string>{"keep"});
  EXPECT_EQ(read_file_at(dir.fd(), "keep/canary", 9).value(), "x");
  EXPECT_TRUE(remove_tree_at(dir.fd(), "gone").ok()) << "nothing there is success";
}

TEST(Files, RemoveTreeRemovesManyOfEachKind) {
  const TempDir dir;
  ASSERT_EQ(::mkdirat(dir.fd(), "many", 0700), 0);
  for (int i = 0; i < 2000; ++i) {
    const std::string name = "many/" + std::to_string(i);
    if (i % 2 == 0) {
      ASSERT_EQ(::mkdirat(dir.fd(), name.c_str(), 0700), 0);
    } else {
      ASSERT_EQ(::mknodat(dir.fd(), name.c_str(), S_IFIFO | 0600, 0), 0);
    }
    if (i % 4 == 0) {
      ASSERT_TRUE(replace_file_at(dir.fd(), name + "/file", "x", 0600).ok());
    }
  }
  EXPECT_TRUE(remove_tree_at(dir.fd(), "many").ok());
  EXPECT_TRUE(list_dir(dir.fd()).value().empty());
}

TEST(Files, RemoveTreeManagesExtremeDepth) {
  const TempDir dir;
  ASSERT_EQ(::mkdirat(dir.fd(), "deep", 0700), 0);
  UniqueFd at(::openat(dir.fd(), "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0700), 0);
    at.reset(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(at.valid());
  }
  EXPECT_TRUE(remove_tree_at(dir.fd(), "deep").ok());
  EXPECT_TRUE(list_dir(dir.fd()).value().empty());
}

}  // namespace
}  // namespace stagebox::base
