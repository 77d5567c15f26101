#include "sandbox/cgroup/cpuset_check.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace stagebox::sandbox {
namespace {

class CpusetCheck : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& value) const {
    std::ofstream(dir_.path(name)) << value << '\n';
  }

  testing::TempDir dir_;
};

TEST_F(CpusetCheck, WhatWasGivenIsFine) {
  write("cpuset.cpus", "0-3,6");
  write("cpuset.cpus.effective", "0-3,6");
  write("cpuset.mems", "0");
  write("cpuset.mems.effective", "0");
  Limits limits;
  // The kernel writes it in its own way.
  limits.cpuset = "0,1,2,3,6";
  limits.cpuset_mems = "0";
  EXPECT_TRUE(check_cpuset(dir_.path(""), limits).ok());
}

TEST_F(CpusetCheck, WhatWasNotGivenIsRefusedWithWhatWouldBe) {
  write("cpuset.cpus", "1");
  write("cpuset.cpus.effective", "0");
  write("cpuset.mems", "0-1");
  write("cpuset.mems.effective", "0");
  Limits limits;
  EXPECT_TRUE(check_cpuset(dir_.path(""), limits).ok());
  limits.cpuset = "1";
  const auto cpus = check_cpuset(dir_.path(""), limits);
  ASSERT_FALSE(cpus.ok());
  EXPECT_EQ(cpus.error().kind, base::ErrorKind::kUnsupported);
  EXPECT_NE(cpus.error().message.find("of 1 for"), std::string::npos) << cpus.error().message;
  EXPECT_NE(cpus.error().message.find("allow \"0\""), std::string::npos) << cpus.error().message;
  limits.cpuset.reset();
  limits.cpuset_mems = "0-1";
  const auto mems = check_cpuset(dir_.path(""), limits);
  ASSERT_FALSE(mems.ok());
  EXPECT_NE(mems.error().message.find("cpuset.mems"), std::string::npos) << mems.error().message;
}

}  // namespace
}  // namespace stagebox::sandbox
