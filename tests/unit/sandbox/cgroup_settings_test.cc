#include "sandbox/cgroup/cgroup_settings.h"

#include <gtest/gtest.h>

#include "sandbox/cgroup/controller_checks.h"

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
                      {"memory.kmem.tcp.limit_in_bytes", "256", Need::kWhereThere},
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

TEST(CgroupSettings, SwapIsOpenedAsFarAsAsked) {
  Limits limits;
  limits.memory = 1024;
  limits.controllers.swap = 512;
  EXPECT_EQ(
      cgroup_settings(Version::kV2, Controller::kMemory, limits, ""),
      (Settings{{"memory.max", "1024"}, {"memory.oom.group", "1"}, {"memory.swap.max", "512"}}));
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kMemory, limits, ""),
            (Settings{{"memory.limit_in_bytes", "1024"},
                      {"memory.memsw.limit_in_bytes", "1536"},
                      {"memory.kmem.tcp.limit_in_bytes", "256", Need::kWhereThere}}));
  limits.controllers.swap = kUnlimited;
  EXPECT_EQ(cgroup_settings(Version::kV2, Controller::kMemory, limits, "")[2].value, "max");
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kMemory, limits, "")[1].value, "-1");
}

TEST(CgroupSettings, PeriodBurstAndIdle) {
  Limits limits;
  limits.cpus = 0.5;
  limits.controllers.cpu_period = 50'000;
  limits.controllers.cpu_burst = 1000;
  limits.controllers.cpu_idle = 1;
  EXPECT_EQ(cgroup_settings(Version::kV2, Controller::kCpu, limits, ""),
            (Settings{{"cpu.max", "25000 50000"}, {"cpu.max.burst", "1000"}, {"cpu.idle", "1"}}));
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kCpu, limits, ""),
            (Settings{{"cpu.cfs_period_us", "50000"},
                      {"cpu.cfs_quota_us", "25000"},
                      {"cpu.cfs_burst_us", "1000"},
                      {"cpu.idle", "1"}}));
  limits.cpus.reset();
  EXPECT_EQ(cgroup_settings(Version::kV2, Controller::kCpu, limits, "")[0].value, "max 50000");
}

TEST(CgroupSettings, DisksHaveWeightsAndRates) {
  Limits limits;
  DiskLimits disk;
  disk.major = 8;
  disk.minor = 16;
  disk.weight = 1000;
  disk.read_bytes = 1;
  disk.write_bytes = 2;
  disk.read_operations = 3;
  disk.write_operations = 4;
  limits.controllers.block_io = {10, {disk}};
  using Instead = CgroupSetting::Instead;
  EXPECT_EQ(
      cgroup_settings(Version::kV2, Controller::kIo, limits, ""),
      (Settings{{"io.bfq.weight", "10", Need::kRequired, Instead{"io.weight", "1"}},
                {"io.bfq.weight", "8:16 1000", Need::kRequired, Instead{"io.weight", "8:16 10000"}},
                {"io.max", "8:16 rbps=1"},
                {"io.max", "8:16 wbps=2"},
                {"io.max", "8:16 riops=3"},
                {"io.max", "8:16 wiops=4"}}));
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kIo, limits, ""),
            (Settings{{"blkio.bfq.weight", "10", Need::kRequired, Instead{"blkio.weight", "10"}},
                      {"blkio.bfq.weight_device", "8:16 1000", Need::kRequired,
                       Instead{"blkio.weight_device", "8:16 1000"}},
                      {"blkio.throttle.read_bps_device", "8:16 1"},
                      {"blkio.throttle.write_bps_device", "8:16 2"},
                      {"blkio.throttle.read_iops_device", "8:16 3"},
                      {"blkio.throttle.write_iops_device", "8:16 4"}}));
}

TEST(CgroupSettings, WhatOnlyBundlesAskFor) {
  Limits limits;
  limits.controllers.huge_pages = {{"2MB", 4096}};
  limits.controllers.rdma = {{"mlx5_0", 2, 3}};
  limits.controllers.network_class = 5;
  limits.controllers.network_priorities = {{"eth0", 7}};
  EXPECT_EQ(
      cgroup_settings(Version::kV2, Controller::kHugePages, limits, ""),
      (Settings{{"hugetlb.2MB.rsvd.max", "4096", Need::kWhereThere}, {"hugetlb.2MB.max", "4096"}}));
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kHugePages, limits, "")[1].file,
            "hugetlb.2MB.limit_in_bytes");
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kRdma, limits, ""),
            (Settings{{"rdma.max", "mlx5_0 hca_handle=2 hca_object=3"}}));
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kNetworkClass, limits, ""),
            (Settings{{"net_cls.classid", "5"}}));
  EXPECT_EQ(cgroup_settings(Version::kV1, Controller::kNetworkPriority, limits, ""),
            (Settings{{"net_prio.ifpriomap", "eth0 7"}}));
  EXPECT_EQ(needed_controllers(limits),
            (std::vector<Controller>{Controller::kHugePages, Controller::kRdma,
                                     Controller::kNetworkClass, Controller::kNetworkPriority}));
}

TEST(CgroupSettings, UnifiedNeedsItsControllerInVersionTwo) {
  Limits limits;
  limits.controllers.unified = {{"memory.high", "1"}, {"misc.max", "sev 1"}};
  EXPECT_EQ(needed_controllers(limits),
            (std::vector<Controller>{Controller::kMemory, Controller::kMisc}));
  EXPECT_EQ(unified_settings(limits), (Settings{{"memory.high", "1"}, {"misc.max", "sev 1"}}));
  EXPECT_TRUE(check_version(Version::kV2, Controller::kMemory, limits).ok());
  EXPECT_FALSE(check_version(Version::kV1, Controller::kMemory, limits).ok());
  EXPECT_TRUE(check_version(Version::kV1, Controller::kCpu, limits).ok());
}

TEST(CgroupSettings, WhatOneVersionLacksIsRefused) {
  Limits limits;
  limits.controllers.swappiness = 1;
  EXPECT_FALSE(check_version(Version::kV2, Controller::kMemory, limits).ok());
  EXPECT_TRUE(check_version(Version::kV1, Controller::kMemory, limits).ok());
  limits.controllers.realtime_runtime = 1;
  EXPECT_FALSE(check_version(Version::kV2, Controller::kCpu, limits).ok());
  limits.io_write = 1;
  EXPECT_FALSE(check_version(Version::kV1, Controller::kIo, limits).ok());
  EXPECT_TRUE(check_version(Version::kV2, Controller::kIo, limits).ok());
}

// What goes into the names of files and into their lines is not for a bundle to make up.
TEST(CgroupSettings, NamesThatLeadElsewhereAreRefused) {
  const auto refused = [](auto change) {
    ControllerLimits limits;
    change(limits);
    return !check_controllers(limits).ok();
  };
  for (const char* file : {"../cgroup.procs", "cgroup.procs", "cgroup.kill", "memory/max", "memory",
                           "", ".max", "moon.max", "memory.max\n"})
    EXPECT_TRUE(refused([&](ControllerLimits& limits) { limits.unified = {{file, "1"}}; })) << file;
  for (const char* size : {"", "MB", "2", "../2MB", "2.5MB", "2TB"})
    EXPECT_TRUE(refused([&](ControllerLimits& limits) { limits.huge_pages = {{size, 1}}; }))
        << size;
  EXPECT_TRUE(refused([](ControllerLimits& limits) { limits.rdma = {{"a b", 1, {}}}; }));
  EXPECT_TRUE(refused([](ControllerLimits& limits) { limits.rdma = {{"a", {}, {}}}; }));
  EXPECT_TRUE(refused([](ControllerLimits& limits) { limits.network_priorities = {{"a b", 1}}; }));
  EXPECT_TRUE(refused([](ControllerLimits& limits) { limits.block_io.weight = 9; }));
  EXPECT_TRUE(refused([](ControllerLimits& limits) {
    limits.block_io.disks.resize(1);
    limits.block_io.disks[0].read_bytes = 0;
  }));
  EXPECT_TRUE(refused([](ControllerLimits& limits) { limits.swappiness = 101; }));
  EXPECT_TRUE(refused([](ControllerLimits& limits) { limits.cpu_idle = 2; }));
  EXPECT_FALSE(
      refused([](ControllerLimits& limits) { limits.unified = {{"hugetlb.2MB.max", "0"}}; }));
}

}  // namespace
}  // namespace stagebox::sandbox
