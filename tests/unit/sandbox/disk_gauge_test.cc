#include "sandbox/disk_gauge.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/statvfs.h>

#include "tests/support/temp_dir.h"

namespace stagebox::sandbox {
namespace {

using stagebox::testing::TempDir;
using Which = LikelyLimit::Which;
using ToldBy = LikelyLimit::ToldBy;

Limits limits_of(std::uint64_t disk, std::uint64_t inodes) {
  Limits limits;
  limits.disk = disk;
  limits.inodes = inodes;
  return limits;
}

// The directory's file system has room: so what is told is by the words alone.
TEST(DiskGauge, SeesWhatIsThereAndSaysNothingOfWhatHasRoom) {
  const TempDir dir;
  struct statvfs status{};
  ASSERT_EQ(::fstatvfs(dir.fd(), &status), 0);
  DiskGauge gauge(dir.fd(), limits_of(~std::uint64_t{0}, ~std::uint64_t{0}));
  EXPECT_GE(gauge.look(), std::chrono::milliseconds(10));
  EXPECT_LE(gauge.look(), std::chrono::seconds(1));
  EXPECT_GT(gauge.peak().bytes, 0U);
  EXPECT_GT(gauge.peak().inodes, 0U);
  EXPECT_TRUE(gauge.exhausted().empty());
  EXPECT_FALSE(gauge.likely(false));
}

TEST(DiskGauge, TakesWordsForBytesUnlessManyFilesWereSeen) {
  const TempDir dir;
  DiskGauge gauge(dir.fd(), limits_of(~std::uint64_t{0}, ~std::uint64_t{0}));
  (void)gauge.look();
  const auto bytes = gauge.likely(true);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->which, Which::kDisk);
  EXPECT_EQ(bytes->told_by, ToldBy::kLog);
  DiskGauge many(dir.fd(), limits_of(~std::uint64_t{0}, gauge.peak().inodes));
  (void)many.look();
  const auto inodes = many.likely(true);
  ASSERT_TRUE(inodes);
  EXPECT_EQ(inodes->which, Which::kInodes);
  EXPECT_EQ(inodes->limit, gauge.peak().inodes);
}

// Nobody can be asked: no look is lost by it, and nothing is told.
TEST(DiskGauge, ADescriptorThatIsNoneTellsNothing) {
  DiskGauge gauge(-1, limits_of(1, 1));
  EXPECT_EQ(gauge.look(), std::chrono::seconds(1));
  EXPECT_TRUE(gauge.exhausted().empty());
  EXPECT_EQ(gauge.peak().bytes, 0U);
}

}  // namespace
}  // namespace stagebox::sandbox
