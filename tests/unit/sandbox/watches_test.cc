#include <gtest/gtest.h>

#include "sandbox/cpu_time_watch.h"
#include "sandbox/disk_reserve_watch.h"

namespace stagebox::sandbox {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(CpuTimeWatch, LooksAgainWhenTheLimitCouldBeReached) {
  const auto answer = look_at_cpu_time(seconds(2), seconds(10), 4);
  EXPECT_FALSE(answer.hit);
  EXPECT_EQ(answer.again, seconds(2));
  EXPECT_EQ(look_at_cpu_time(milliseconds(9999), seconds(10), 4).again, milliseconds(10));
}

TEST(CpuTimeWatch, IsHitAtTheLimit) {
  const auto answer = look_at_cpu_time(seconds(10), seconds(10), 1);
  ASSERT_TRUE(answer.hit);
  EXPECT_EQ(answer.hit->which, LimitHit::Which::kCpuTime);
  EXPECT_EQ(answer.hit->limit, 10'000U);
}

TEST(DiskReserve, IsAGibibyteOrAQuarterOfWhatIsFree) {
  EXPECT_EQ(disk_reserve({100 * kGiB, 1'000'000}).bytes, kGiB);
  EXPECT_EQ(disk_reserve({100 * kGiB, 1'000'000}).inodes, 10'000U);
  EXPECT_EQ(disk_reserve({2 * kGiB, 400}).bytes, kGiB / 2);
  EXPECT_EQ(disk_reserve({2 * kGiB, 400}).inodes, 100U);
}

TEST(DiskReserve, IsHitByBytesAndByInodes) {
  const DiskSpace reserve{kGiB, 1000};
  EXPECT_FALSE(look_at_reserve({kGiB, 1000}, reserve).hit);
  EXPECT_TRUE(look_at_reserve({kGiB - 1, 1000}, reserve).hit);
  EXPECT_TRUE(look_at_reserve({kGiB, 999}, reserve).hit);
}

TEST(DiskReserve, IsLookedAtMoreOftenTheCloserItIs) {
  const DiskSpace reserve{kGiB, 1000};
  EXPECT_EQ(look_at_reserve({1000 * kGiB, 10'000'000}, reserve).again, seconds(1));
  EXPECT_EQ(look_at_reserve({2 * kGiB, 10'000'000}, reserve).again, milliseconds(128));
  EXPECT_EQ(look_at_reserve({kGiB, 1000}, reserve).again, milliseconds(10));
}

}  // namespace
}  // namespace stagebox::sandbox
