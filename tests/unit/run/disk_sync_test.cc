#include "runtime/run/disk_sync.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <semaphore>

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
  disk.note(std::chrono::milliseconds(1));
  EXPECT_EQ(disk.finish().error().errno_value, ENOSPC);
  EXPECT_EQ(disk.finish().error().errno_value, ENOSPC);
  answer = {};
  EXPECT_TRUE(disk.finish().ok());
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(disk.finish().ok());
  EXPECT_EQ(calls, 3) << "it is done";
  EXPECT_TRUE(disk.was_used());
}

// Only for much work, in a test's time.
struct DiskSyncOfWork : ::testing::Test {
  std::counting_semaphore<8> syncs{0};
  DiskSync disk{[this]() -> base::Result<void> {
                  syncs.release();
                  return {};
                },
                std::chrono::hours(1)};
};

// What a stage of an hour made must not wait for more.
TEST_F(DiskSyncOfWork, MuchIsMadeDurableAtOnce) {
  disk.note(std::chrono::milliseconds(1));
  disk.note(DiskSync::kMuchWork);
  syncs.acquire();
  EXPECT_TRUE(disk.finish().ok());
  EXPECT_FALSE(syncs.try_acquire()) << "once is enough";
}

// Work adds up, and counts from nothing after each time.
TEST_F(DiskSyncOfWork, LittleWaitsForMore) {
  for (int i = 0; i < 4; ++i) disk.note(DiskSync::kMuchWork / 4);
  syncs.acquire();
  disk.note(DiskSync::kMuchWork / 2);
  EXPECT_FALSE(syncs.try_acquire_for(std::chrono::milliseconds(50)));
  EXPECT_TRUE(disk.finish().ok());
  EXPECT_TRUE(syncs.try_acquire());
}

}  // namespace
}  // namespace stagebox::run
