#include "sandbox/cgroup/machine_share.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace stagebox::sandbox {
namespace {

class MachineShareTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = dir_.path(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << '\n';
  }
  [[nodiscard]] MachineShare of(const std::string& cgroup) const {
    return narrowed_by({8, 1000}, dir_.path(cgroup));
  }
  stagebox::testing::TempDir dir_;
};

TEST_F(MachineShareTest, TheNarrowestOfAllCgroupsAboveCounts) {
  for (const char* cgroup : {"m/a", "m/a/b", "m/a/b/c"})
    write(std::string(cgroup) + "/cgroup.procs", "");
  write("m/a/cpu.max", "150000 100000");
  write("m/a/memory.max", "700");
  write("m/a/b/cpu.max", "max 100000");
  write("m/a/b/memory.max", "max");
  write("m/a/b/c/cpu.max", "300000 100000");
  write("m/a/b/c/memory.max", "900");
  EXPECT_DOUBLE_EQ(of("m/a/b/c").cpus, 1.5);
  EXPECT_EQ(of("m/a/b/c").memory, 700U);
  EXPECT_DOUBLE_EQ(of("m").cpus, 8) << "not a cgroup";
}

TEST_F(MachineShareTest, VersionOne) {
  write("c/cgroup.procs", "");
  write("c/cpu.cfs_quota_us", "50000");
  write("c/cpu.cfs_period_us", "100000");
  write("c/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_DOUBLE_EQ(of("c").cpus, 0.5);
  EXPECT_EQ(of("c").memory, 1000U);
  write("c/cpu.cfs_quota_us", "-1");
  write("c/memory.limit_in_bytes", "512");
  EXPECT_DOUBLE_EQ(of("c").cpus, 8);
  EXPECT_EQ(of("c").memory, 512U);
}

TEST(MachineShare, OfThisProcessIsPlausible) {
  const MachineShare share = machine_share();
  EXPECT_GT(share.cpus, 0);
  EXPECT_GT(share.memory, std::uint64_t{64} << 20U);
}

}  // namespace
}  // namespace stagebox::sandbox
