#include "runtime/run/disk_sync.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace stagebox::run {
namespace {

TEST(DiskSync, WithoutAnythingNotedThereIsNothingToDo) {
  int calls = 0;
  DiskSync disk([&]() -> base::Result<void> {
    ++calls;
    return {};
  });
  EXPECT_TRUE(disk.finish().ok());
  EXPECT_EQ(calls, 0);
  EXPECT_FALSE(disk.was_used());
}

TEST(DiskSync, AFailureIsNotTheLastWord) {
  base::Result<void> answer = base::system_error("sync", ENOSPC);
  int calls = 0;
  DiskSync disk([&]() -> base::Result<void> {
    ++calls;
    return answer;
  });
  disk.note();
  EXPECT_EQ(disk.finish().error().errno_value, ENOSPC);
  EXPECT_EQ(disk.finish().error().errno_value, ENOSPC);
  answer = {};
  EXPECT_TRUE(disk.finish().ok());
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(disk.finish().ok());
  EXPECT_EQ(calls, 3) << "it is done";
  EXPECT_TRUE(disk.was_used());
}

}  // namespace
}  // namespace stagebox::run
