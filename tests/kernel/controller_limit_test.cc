// What an OCI bundle can ask of the kernel's controllers besides the limits of stages: it is what
// the kernel then says of the sandbox, seen from inside where cgroup v2 shows it.
#include <gmock/gmock.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/base/parse_number.h"
#include "sandbox/cgroup/block_device.h"
#include "sandbox/cgroup/cgroup_files.h"
#include "sandbox/cgroup/cgroup_settings.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using sandbox::Controller;
using Version = sandbox::CgroupPlace::Version;
using ::testing::AnyOf;
using ::testing::HasSubstr;

#define NEED(controller)                                    \
  if (!cgroups().has(controller))                           \
  GTEST_SKIP() << "no writable cgroup with the controller " \
               << sandbox::controller_name(controller, Version::kV2)

class ControllerLimitTest : public SandboxTest {
 protected:
  sandbox::ControllerLimits& special() { return spec_.limits.controllers; }
  static Version version_of(Controller controller) {
    return cgroups().place_of(controller)->version;
  }
  /// The file of the cgroup of a sandbox that is running now; without its last line break.
  std::string of_its_cgroup(Controller controller, const std::string& name) {
    const std::string place = cgroups().place_of(controller)->dir;
    for (const std::string& dir : cgroups().directories()) {
      const std::string file = dir + "/" + cgroup_name() + "/" + name;
      if (!dir.starts_with(place + "/") || !std::filesystem::exists(file)) continue;
      std::string text = sandbox::read_or_empty(file);
      if (text.ends_with('\n')) text.pop_back();
      return text;
    }
    return "no " + name;
  }
  /// The directory that ours lie in.
  static std::string held_by(Controller controller) {
    const std::string place = cgroups().place_of(controller)->dir;
    for (const std::string& dir : cgroups().directories()) {
      if (dir.starts_with(place + "/")) return dir;
    }
    return "";
  }
  /// What the settings of the controller say is what is in its files.
  void expect_kept(Controller controller, const std::vector<std::string>& files) {
    const auto held = hold("exec sleep 1000", Until::kRunning);
    ASSERT_TRUE(held.ok()) << held.error().message;
    std::vector<std::string> seen;
    for (const auto& setting :
         sandbox::cgroup_settings(version_of(controller), controller, limits(), "")) {
      if (std::ranges::find(files, setting.file) == files.end()) continue;
      seen.push_back(setting.file);
      EXPECT_EQ(of_its_cgroup(controller, setting.file), setting.value) << setting.file;
    }
    EXPECT_EQ(seen, files);
  }
  static sandbox::DiskLimits of_disk(const std::string& disk) {
    const std::size_t colon = disk.find(':');
    const auto number = [&](std::size_t from, std::size_t to) {
      return base::parse_number<unsigned>(std::string_view(disk).substr(from, to)).value();
    };
    sandbox::DiskLimits limits;
    limits.major = number(0, colon);
    limits.minor = number(colon + 1, std::string::npos);
    return limits;
  }
  /// With cgroup v2 at /mnt: what the sandbox sees of its own cgroup.
  std::string seen_inside(const std::string& script) {
    spec_.mounts.push_back({sandbox::Mount::Type::kCgroup, "mnt", MOUNT_ATTR_RDONLY});
    const auto result = run(script);
    return result.ok() ? result->output : result.error().message;
  }
};

TEST_F(ControllerLimitTest, PeriodAndBurst) {
  NEED(Controller::kCpu);
  spec_.limits.cpus = 0.5;
  special().cpu_period = 50'000;
  special().cpu_burst = 10'000;
  if (version_of(Controller::kCpu) == Version::kV2) {
    expect_kept(Controller::kCpu, {"cpu.max", "cpu.max.burst"});
  } else {
    expect_kept(Controller::kCpu, {"cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.cfs_burst_us"});
  }
}

TEST_F(ControllerLimitTest, IdleIsTheLastToRun) {
  NEED(Controller::kCpu);
  special().cpu_idle = 1;
  expect_kept(Controller::kCpu, {"cpu.idle"});
}

TEST_F(ControllerLimitTest, Realtime) {
  NEED(Controller::kCpu);
  special().realtime_period = 500'000;
  special().realtime_runtime = 0;
  if (version_of(Controller::kCpu) == Version::kV1)
    return expect_kept(Controller::kCpu, {"cpu.rt_period_us", "cpu.rt_runtime_us"});
  const auto refused = run("true");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("realtime"));
}

TEST_F(ControllerLimitTest, SwapBesidesMemory) {
  NEED(Controller::kMemory);
  spec_.limits.memory = 64ULL << 20U;
  special().swap = 32ULL << 20U;
  if (version_of(Controller::kMemory) == Version::kV2) {
    expect_kept(Controller::kMemory, {"memory.max", "memory.swap.max"});
  } else {
    expect_kept(Controller::kMemory, {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"});
  }
}

TEST_F(ControllerLimitTest, SwappinessIsOfVersionOneAlone) {
  NEED(Controller::kMemory);
  special().swappiness = 30;
  if (version_of(Controller::kMemory) == Version::kV1)
    return expect_kept(Controller::kMemory, {"memory.swappiness"});
  const auto refused = run("true");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("cgroup v2 has no swappiness"));
}

TEST_F(ControllerLimitTest, WeightAndRatesOfDisks) {
  NEED(Controller::kIo);
  const auto disk = sandbox::disk_of(dir_.fd());
  if (!disk.ok()) GTEST_SKIP() << disk.error().message;
  sandbox::DiskLimits limits = of_disk(*disk);
  limits.read_bytes = 1ULL << 20U;
  limits.write_operations = 1000;
  special().block_io.weight = 200;
  special().block_io.disks = {limits};
  if (version_of(Controller::kIo) == Version::kV1) {
    const auto held = hold("exec sleep 1000", Until::kRunning);
    ASSERT_TRUE(held.ok()) << held.error().message;
    const std::string weights = of_its_cgroup(Controller::kIo, "blkio.bfq.weight") +
                                of_its_cgroup(Controller::kIo, "blkio.weight");
    EXPECT_THAT(weights, HasSubstr("200"));
    EXPECT_EQ(of_its_cgroup(Controller::kIo, "blkio.throttle.write_iops_device"), *disk + " 1000");
  } else {
    const auto held = hold("exec sleep 1000", Until::kRunning);
    ASSERT_TRUE(held.ok()) << held.error().message;
    // The latter where there is no BFQ: on its own scale (v2_weight).
    EXPECT_THAT(of_its_cgroup(Controller::kIo, "io.bfq.weight") + '\n' +
                    of_its_cgroup(Controller::kIo, "io.weight"),
                AnyOf(HasSubstr("default 200\n"), HasSubstr("\ndefault 1920")));
    EXPECT_EQ(of_its_cgroup(Controller::kIo, "io.max"),
              *disk + " rbps=1048576 wbps=max riops=max wiops=1000");
  }
  scratch_name_ = "reader";
  const auto read =
      run("dd if=/dev/zero of=data bs=1M count=2 conv=fsync && dd if=data of=/dev/null bs=64k "
          "iflag=direct");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_TRUE(read->report.succeeded()) << read->output;
  // 2 MiB at 1 MiB/s; the kernel grants a burst at the start.
  EXPECT_GE(read->report.usage.wall, std::chrono::milliseconds(1000)) << read->output;
}

// Also in v1, which does not hold back what goes through the page cache.
TEST_F(ControllerLimitTest, WritingPastTheCacheIsThrottled) {
  NEED(Controller::kIo);
  const auto disk = sandbox::disk_of(dir_.fd());
  if (!disk.ok()) GTEST_SKIP() << disk.error().message;
  sandbox::DiskLimits limits = of_disk(*disk);
  limits.write_bytes = 1ULL << 20U;
  special().block_io.disks = {limits};
  const auto written = run("dd if=/dev/zero of=data bs=64k count=32 oflag=direct");
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_TRUE(written->report.succeeded()) << written->output;
  EXPECT_GE(written->report.usage.wall, std::chrono::milliseconds(1000)) << written->output;
  EXPECT_GE(written->report.usage.written_bytes, 2ULL << 20U);
}

TEST_F(ControllerLimitTest, HugePagesAreCountedAndLimited) {
  NEED(Controller::kHugePages);
  special().huge_pages = {{"2MB", 4ULL << 20U}};
  if (version_of(Controller::kHugePages) == Version::kV1)
    return expect_kept(Controller::kHugePages, {"hugetlb.2MB.limit_in_bytes"});
  EXPECT_EQ(seen_inside("cat /mnt/hugetlb.2MB.max /mnt/hugetlb.2MB.rsvd.max"),
            "4194304\n4194304\n");
}

TEST_F(ControllerLimitTest, ASizeOfPagesThatTheMachineLacksIsRefused) {
  NEED(Controller::kHugePages);
  special().huge_pages = {{"3MB", 1}};
  const auto refused = run("true");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("hugetlb.3MB"));
}

TEST_F(ControllerLimitTest, UnifiedIsWrittenWhereThereIsSuchAFile) {
  special().unified = {{"hugetlb.2MB.max", "2097152"}};
  const bool can =
      cgroups().has(Controller::kHugePages) && version_of(Controller::kHugePages) == Version::kV2;
  if (can) {
    EXPECT_EQ(seen_inside("cat /mnt/hugetlb.2MB.max"), "2097152\n");
  } else {
    EXPECT_THAT(seen_inside("true"), HasSubstr("a limit cannot be enforced"));
  }
}

// Where our own cgroup is short of memory it is the neighbour's that goes.
TEST_F(ControllerLimitTest, ReservedMemoryStays) {
  NEED(Controller::kMemory);
  if (version_of(Controller::kMemory) == Version::kV1)
    GTEST_SKIP() << "v1 considers it only when the whole machine is short";
  constexpr std::uint64_t kMiB = 1ULL << 20U;
  spec_.limits.memory_reservation = 64 * kMiB;
  const auto held = HOLD(
      "dd if=/dev/zero of=data bs=64k count=640 conv=fsync 2>/dev/null; echo; "
      "exec sleep 1000",
      Until::kRunning);
  char written = 0;
  ASSERT_EQ(::read(held.output.get(), &written, 1), 1);
  const std::string ours = held_by(Controller::kMemory);
  const std::string its = ours + "/" + cgroup_name();
  const auto cached = [&] {
    return sandbox::keyed_value(sandbox::read_or_empty(its + "/memory.stat"), "file");
  };
  const std::uint64_t before = cached();
  if (before < 40 * kMiB) GTEST_SKIP() << "what is written here is not in the page cache";

  ASSERT_TRUE(sandbox::write_value(ours, "memory.max", std::to_string(80 * kMiB)).ok());
  spec_.limits.memory_reservation.reset();
  scratch_name_ = "greedy";
  const auto greedy = run("dd if=/dev/zero of=data bs=64k count=2048 conv=fsync 2>/dev/null");
  EXPECT_TRUE(sandbox::write_value(ours, "memory.max", "max").ok());
  ASSERT_TRUE(greedy.ok()) << greedy.error().message;
  EXPECT_TRUE(greedy->report.succeeded()) << greedy->report.describe();
  EXPECT_GE(cached(), before * 9 / 10) << "of what it had in the page cache";
}

// More than that is let go of again, and who wants it waits; nobody is killed.
TEST_F(ControllerLimitTest, HighMemoryIsHeldDown) {
  NEED(Controller::kMemory);
  if (version_of(Controller::kMemory) == Version::kV1) GTEST_SKIP() << "v1 has no memory.high";
  constexpr std::uint64_t kHigh = 16ULL << 20U;
  special().unified = {{"memory.high", std::to_string(kHigh)}};
  spec_.mounts.push_back({sandbox::Mount::Type::kCgroup, "mnt", MOUNT_ATTR_RDONLY});
  const auto result = run(
      "dd if=/dev/zero of=data bs=64k count=1024 conv=fsync 2>/dev/null; cat /mnt/memory.events");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(result->report.succeeded()) << result->report.describe();
  EXPECT_GT(sandbox::keyed_value(result->output, "high"), 0U) << result->output;
  EXPECT_LT(result->report.usage.peak_memory, 2 * kHigh) << "64 MiB were written";
}

// On a machine where the controller is v1's there is no such file, and nothing that it could mean.
TEST_F(ControllerLimitTest, UnifiedOfAControllerThatIsElsewhereIsRefused) {
  NEED(Controller::kMemory);
  special().unified = {{"memory.high", "67108864"}};
  const std::string seen = seen_inside("cat /mnt/memory.high");
  if (version_of(Controller::kMemory) == Version::kV2) {
    EXPECT_EQ(seen, "67108864\n");
  } else {
    EXPECT_THAT(seen, HasSubstr("cgroup v1 has no file memory.high"));
  }
}

TEST_F(ControllerLimitTest, AControllerThatIsNotThereIsNamed) {
  for (const Controller controller :
       {Controller::kRdma, Controller::kNetworkClass, Controller::kNetworkPriority}) {
    if (cgroups().has(controller)) continue;
    special() = {};
    if (controller == Controller::kRdma) special().rdma = {{"mlx5_0", 1, {}}};
    if (controller == Controller::kNetworkClass) special().network_class = 1;
    if (controller == Controller::kNetworkPriority) special().network_priorities = {{"eth0", 1}};
    const auto refused = run("true");
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().message,
                HasSubstr(sandbox::controller_name(controller, Version::kV2)));
    (void)base::remove_tree_at(dir_.fd(), "scratch");
  }
}

// A sandbox that asks for nothing of them is not made dearer by them.
TEST_F(ControllerLimitTest, NobodyElsePaysForThem) {
  if (cgroups().places().empty()) GTEST_SKIP() << "no writable cgroup";
  const auto held = hold("exec sleep 1000", Until::kRunning);
  ASSERT_TRUE(held.ok()) << held.error().message;
  for (const auto& place : cgroups().places()) {
    if (std::ranges::any_of(place.controllers, sandbox::is_regular)) continue;
    for (const std::string& dir : cgroups().directories()) {
      if (!dir.starts_with(place.dir + "/")) continue;
      EXPECT_FALSE(std::filesystem::exists(dir + "/" + cgroup_name())) << dir;
    }
  }
}

}  // namespace
}  // namespace stagebox::testing
