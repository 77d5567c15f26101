#include "sandbox/cgroup_settings.h"

#include <gtest/gtest.h>

namespace stagebox::sandbox {
namespace {

using Need = CgroupSetting::Need;
using Settings = std::vector<CgroupSetting>;
using Version = CgroupPlace::Version;

TEST(CgroupSettings, MemoryClosesSwap) {
  Limits limits;
  limits.memory = 1024;
  EXPECT_EQ(cgroup_settings(Version::kV2, Controller::kMemory, limits, ""),
            (Settings{{"memory.max", "1024"},
                      {"memory.oom.group", "1"},
                      {"memory.swap.max", "0", Need::kWhereThere}}));
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kMemory, limits, ""),
            (Settings{{"memory.limit_in_bytes", "1024"},
                      {"memory.memsw.limit_in_bytes", "1024", Need::kWhereThere},
                      {"memory.swappiness", "0", Need::kWhereThere}}));
}

TEST(CgroupSettings, CpuIsQuotaAndWeight) {
  Limits limits;
  limits.cpus = 1.5;
  limits.cpu_weight = 200;
  EXPECT_EQ(cgroup_settings(Version::kV2, Controller::kCpu, limits, ""),
            (Settings{{"cpu.max", "150000 100000"}, {"cpu.weight", "200"}}));
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kCpu, limits, ""),
            (Settings{{"cpu.cfs_period_us", "100000"},
                      {"cpu.cfs_quota_us", "150000"},
                      {"cpu.shares", "2048"}}));
  limits.cpus = 0.001;
  EXPECT_EQ(cgroup_settings(Version::kV2, Controller::kCpu, limits, "")[0].value, "1000 100000");
}

TEST(CgroupSettings, IoNamesTheDisk) {
  Limits limits;
  limits.io_read = 10;
  limits.io_write = 20;
  EXPECT_EQ(cgroup_settings(Version::kV2, Controller::kIo, limits, "8:0"),
            (Settings{{"io.max", "8:0 rbps=10 wbps=20"}}));
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kIo, limits, "8:0"),
            (Settings{{"blkio.throttle.read_bps_device", "8:0 10"}}));
}

TEST(CgroupSettings, WhatIsNotLimitedIsNotWritten) {
  for (const Controller controller :
       {Controller::kCpu, Controller::kCpuset, Controller::kMemory, Controller::kPids,
        Controller::kIo, Controller::kCpuAccounting}) {
    EXPECT_TRUE(cgroup_settings(Version::kV1, controller, {}, "").empty());
    EXPECT_TRUE(cgroup_settings(Version::kV2, controller, {}, "").empty());
  }
  EXPECT_TRUE(needed_controllers({}).empty());
}

TEST(CgroupSettings, EachLimitNamesItsController) {
  Limits limits;
  limits.cpuset = "0";
  limits.pids = 5;
  limits.io_read = 1;
  limits.cpu_time = std::chrono::seconds(1);
  EXPECT_EQ(needed_controllers(limits),
            (std::vector<Controller>{Controller::kCpuset, Controller::kPids, Controller::kIo,
                                     Controller::kCpuAccounting}));
}

}  // namespace
}  // namespace stagebox::sandbox
