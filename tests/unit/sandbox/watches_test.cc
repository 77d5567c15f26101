#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "runtime/base/unique_fd.h"
#include "sandbox/cpu_time_watch.h"
#include "sandbox/disk_reserve_watch.h"
#include "tests/support/temp_dir.h"

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

TEST(DiskReserve, IsTouchedByBytesAndByInodes) {
  const DiskSpace reserve{kGiB, 1000};
  EXPECT_TRUE(until_reserve({kGiB, 1000}, reserve));
  EXPECT_FALSE(until_reserve({kGiB - 1, 1000}, reserve));
  EXPECT_FALSE(until_reserve({kGiB, 999}, reserve));
}

TEST(DiskReserve, WhoHasHalfOfWhatWasTakenGoesFirst) {
  const DiskSpace least{kGiB / 16, 100};
  const DiskSpace taken{64 * kGiB, 100'000};
  EXPECT_EQ(notable_share(taken, least, 0).bytes, 32 * kGiB);
  EXPECT_EQ(notable_share(taken, least, 0).inodes, 50'000U);
  EXPECT_EQ(notable_share(taken, least, 1).bytes, 16 * kGiB);
  // Never who has next to nothing.
  EXPECT_EQ(notable_share(taken, least, 1000).bytes, kGiB / 16);
  EXPECT_EQ(notable_share(taken, least, 1000).inodes, 100U);
}

TEST(DiskReserve, IsLookedAtMoreOftenTheCloserItIs) {
  const DiskSpace reserve{kGiB, 1000};
  EXPECT_EQ(until_reserve({1000 * kGiB, 10'000'000}, reserve), seconds(1));
  EXPECT_EQ(until_reserve({2 * kGiB, 10'000'000}, reserve), milliseconds(128));
  EXPECT_EQ(until_reserve({kGiB, 1000}, reserve), milliseconds(10));
}

TEST(DiskReserve, WhoHoldsLittleHasNoPartInAFullDisk) {
  const testing::TempDir dir;
  EXPECT_TRUE(holds_next_to_nothing(dir.fd()));
  const base::UniqueFd file(
      ::openat(dir.fd(), "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  ASSERT_EQ(::posix_fallocate(file.get(), 0, off_t{64} << 20), 0);  // A sixteenth of a GiB.
  EXPECT_FALSE(holds_next_to_nothing(dir.fd()));
}

// A stage must not hide what it holds, however deep.
TEST(DiskReserve, FilesInADeepDirectoryCount) {
  const testing::TempDir dir;
  base::UniqueFd deepest(::openat(dir.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  constexpr int kDepth = 200;
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(::mkdirat(deepest.get(), "d", 0700), 0);
    deepest.reset(::openat(deepest.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  const base::UniqueFd file(
      ::openat(deepest.get(), "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  constexpr std::uint64_t kMiB = 1U << 20U;
  ASSERT_EQ(::posix_fallocate(file.get(), 0, off_t{kMiB}), 0);
  const DiskSpace held = held_below(dir.fd(), {kGiB, 10'000});
  EXPECT_GE(held.bytes, kMiB);
  EXPECT_EQ(held.inodes, kDepth + 1U);
}

}  // namespace
}  // namespace stagebox::sandbox
