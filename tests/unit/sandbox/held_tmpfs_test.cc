#include "sandbox/held_tmpfs.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "sandbox/child/child_plan.h"
#include "sandbox/plan/plan_writer.h"

namespace stagebox::sandbox {
namespace {

using Which = LikelyLimit::Which;

struct statvfs status_of(std::uint64_t blocks, std::uint64_t free_blocks, std::uint64_t files,
                         std::uint64_t free_files) {
  struct statvfs status{};
  status.f_frsize = 4096;
  status.f_blocks = blocks;
  status.f_bfree = free_blocks;
  status.f_files = files;
  status.f_ffree = free_files;
  return status;
}

TEST(HeldTmpfs, IsFullWithoutOneBlockOrOneInode) {
  EXPECT_TRUE(used_up("/x", status_of(4, 1, 16, 1)).empty());
  const auto bytes = used_up("/x", status_of(4, 0, 16, 1));
  ASSERT_EQ(bytes.size(), 1U);
  EXPECT_EQ(bytes[0].which, Which::kTmpfs);
  EXPECT_EQ(bytes[0].limit, 4U * 4096);
  EXPECT_EQ(bytes[0].path, "/x");
  const auto inodes = used_up("/x", status_of(4, 1, 16, 0));
  ASSERT_EQ(inodes.size(), 1U);
  EXPECT_EQ(inodes[0].which, Which::kTmpfsInodes);
  EXPECT_EQ(inodes[0].limit, 16U);
  EXPECT_EQ(used_up("/x", status_of(4, 0, 16, 0)).size(), 2U);
}

// The kernel answers nothing but zeros for what is not limited.
TEST(HeldTmpfs, WhatHasNoLimitIsNeverFull) {
  EXPECT_TRUE(used_up("/x", status_of(0, 0, 0, 0)).empty());
}

class HoldTmpfsTest : public ::testing::Test {
 protected:
  HoldTmpfsTest() {
    plan_.step(child::StepKind::kMountTmpfs, "dev");
    plan_.step(child::StepKind::kMountProc, "proc");
    plan_.step(child::StepKind::kMountTmpfs, "dev/shm");
    plan_.step(child::StepKind::kReportTmpfs);
    bytes_ = plan_.finish({});
  }
  base::Result<std::vector<HeldTmpfs>> hold(std::size_t count) const {
    std::vector<base::UniqueFd> mounts;
    for (std::size_t i = 0; i < count; ++i)
      mounts.emplace_back(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return hold_tmpfs(bytes_, std::move(mounts));
  }
  PlanWriter plan_;
  std::vector<std::byte> bytes_;
};

TEST_F(HoldTmpfsTest, PathsAreThoseOfThePlan) {
  const auto held = hold(2);
  ASSERT_TRUE(held.ok()) << held.error().message;
  EXPECT_EQ(held->at(0).path, "/dev");
  EXPECT_EQ(held->at(1).path, "/dev/shm");
  EXPECT_TRUE(held->at(1).mount.valid());
}

TEST_F(HoldTmpfsTest, AMountTooFewOrTooManyIsRefused) {
  for (const std::size_t count : {0U, 1U, 3U}) {
    const auto held = hold(count);
    ASSERT_FALSE(held.ok()) << count;
    EXPECT_EQ(held.error().errno_value, EBADMSG) << count;
  }
}

}  // namespace
}  // namespace stagebox::sandbox
