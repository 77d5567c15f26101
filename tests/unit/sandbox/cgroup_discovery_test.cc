#include "sandbox/cgroup/cgroup_discovery.h"

#include <gtest/gtest.h>

namespace stagebox::sandbox {
namespace {

using Version = CgroupPlace::Version;

TEST(CgroupDiscovery, FindsTheUnifiedHierarchy) {
  const auto places = find_cgroup_places(
      "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
      "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n");
  ASSERT_EQ(places.size(), 1U);
  EXPECT_EQ(places[0].version, Version::kV2);
  EXPECT_EQ(places[0].dir,
            "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope");
}

TEST(CgroupDiscovery, FindsEachV1HierarchyOfAHybridMachine) {
  const auto places = find_cgroup_places(
      "40 30 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "41 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "42 30 0:32 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n"
      "43 30 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
      "4:memory:/a:b\n3:cpu,cpuacct:/\n2:freezer:/\n1:name=systemd:/\n0::/\n");
  ASSERT_EQ(places.size(), 3U);
  EXPECT_EQ(places[0].dir, "/sys/fs/cgroup/memory/a:b");
  EXPECT_EQ(places[0].controllers, std::vector<Controller>{Controller::kMemory});
  EXPECT_EQ(places[1].dir, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(places[1].controllers,
            (std::vector<Controller>{Controller::kCpu, Controller::kCpuAccounting}));
  EXPECT_EQ(places[2].version, Version::kV2);
}

TEST(CgroupDiscovery, StripsTheRootOfAMountedSubtree) {
  const auto places =
      find_cgroup_places("40 30 0:30 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
                         "8:pids:/docker/abc/inner\n");
  ASSERT_EQ(places.size(), 1U);
  EXPECT_EQ(places[0].dir, "/sys/fs/cgroup/pids/inner");
}

TEST(CgroupDiscovery, IgnoresWhatIsNotMountedOrMalformed) {
  EXPECT_TRUE(find_cgroup_places("", "8:pids:/x\n").empty());
  EXPECT_TRUE(find_cgroup_places("nonsense\n- cgroup\n", "nonsense\n::\n").empty());
  EXPECT_TRUE(find_cgroup_places("40 30 0:30 /other /m rw - cgroup cgroup rw,pids\n", "8:pids:/x\n")
                  .empty());
}

}  // namespace
}  // namespace stagebox::sandbox
