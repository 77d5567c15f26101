// What a spec can say, against the real kernel: each thing it asks for is there, or the sandbox
// does not start and the message says which one.
#include <linux/mount.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <fstream>

#include "sandbox/kernel_features.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using Type = sandbox::Mount::Type;
using sandbox::Sharing;

class SpecTest : public SandboxTest {
 protected:
  void expect_output(const std::string& script, const std::string& output) {
    const auto result = run(script);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->output, output) << result->report.describe();
  }
  void expect_refused(const std::string& reason) {
    const auto result = run("true");
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message.find(reason), std::string::npos) << result.error().message;
    (void)base::remove_tree_at(dir_.fd(), "scratch");
  }
  static bool single() { return host_ids_kind() == sandbox::HostIds::Kind::kSingle; }
};

TEST_F(SpecTest, Umask) {
  expect_output("umask", "0022\n");
  spec_.user.umask = 0077;
  expect_output("umask", "0077\n");
}

TEST_F(SpecTest, SoftAndHardLimits) {
  spec_.rlimits = {{RLIMIT_NOFILE, 100, 200}, {RLIMIT_CORE, 0, 0}};
  expect_output("ulimit -Sn; ulimit -Hn; ulimit -c", "100\n200\n0\n");
  spec_.rlimits = {{RLIMIT_NOFILE, 300, 200}};
  expect_refused("soft limit");
}

TEST_F(SpecTest, EachOfTheFiveCapabilitySets) {
  if (single()) GTEST_SKIP() << "no subordinate ids";
  spec_.user.uid = 1000;
  spec_.capabilities = {0xff, 0x43, 0x41, 0x7, 0x3};
  // By exec a user other than root keeps what is ambient (capabilities(7)).
  expect_output("grep ^Cap /proc/self/status | tr -d '\t'",
                "CapInh:0000000000000007\nCapPrm:0000000000000003\nCapEff:0000000000000003\n"
                "CapBnd:00000000000000ff\nCapAmb:0000000000000003\n");
  spec_.capabilities = {0, 0, 0, 0, 1};
  expect_refused("ambient");
  spec_.capabilities = {1, 1, 3};
  expect_refused("effective");
}

TEST_F(SpecTest, SetIdProgramsCountOnlyWhenTheSpecSaysSo) {
  if (single()) GTEST_SKIP() << "no subordinate ids";
  ASSERT_EQ(::chmod(dir_.path("layer/bin/busybox").c_str(), 04755), 0);
  spec_.user = {1000, 1000, {}};
  const std::string script = "id -u; grep NoNewPrivs /proc/self/status | cut -f2";
  expect_output(script, "1000\n1\n");
  spec_.set_id_programs = sandbox::SetIdPrograms::kHonoured;
  // busybox gives its set-id bit up for applets that do not need it, but for id, which then tells.
  const auto result = run("grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | cut -f2");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output, "0\n2\n");
}

TEST_F(SpecTest, SchedulingAndPriorities) {
  // 19: nobody may lower what this process itself has been given.
  spec_.scheduling = sandbox::CpuScheduling{SCHED_BATCH, 0, 19};
  spec_.io_priority = sandbox::IoPriority{sandbox::IoPriority::Class::kIdle, 0};
  spec_.oom_score_adj = 500;
  expect_output("cut -d' ' -f19,41 /proc/self/stat; cat /proc/self/oom_score_adj; ionice",
                "19 3\n500\nidle\n");
}

TEST_F(SpecTest, WhatTheKernelRefusesIsRefusedByName) {
  if (host_ids_kind() != sandbox::HostIds::Kind::kRoot) {
    spec_.oom_score_adj = -500;
    expect_refused("oom_score_adj");
    spec_.oom_score_adj.reset();
  }
  spec_.scheduling = sandbox::CpuScheduling{SCHED_FIFO, 0, 0, 50};
  expect_refused("scheduling policy");
}

TEST_F(SpecTest, Personality) {
  spec_.personality = sandbox::Personality::kLinux32;
#if defined(__x86_64__)
  expect_output("uname -m", "i686\n");
#endif
}

TEST_F(SpecTest, HostAndDomainName) {
  spec_.hostname = "builder";
  spec_.domainname = "example";
  expect_output("hostname; cat /proc/sys/kernel/domainname", "builder\nexample\n");
  spec_.namespaces.uts = Sharing::kWithHost;
  expect_refused("uts namespace");
}

TEST_F(SpecTest, SharedNamespacesAreTheHostsAndOthersAreNot) {
  const auto host = [](const std::string& name) {
    return std::filesystem::read_symlink("/proc/self/ns/" + name).string() + "\n";
  };
  spec_.hostname.clear();
  spec_.namespaces = {Sharing::kWithHost, Sharing::kWithHost, Sharing::kWithHost,
                      Sharing::kWithHost, Sharing::kWithHost};
  expect_output("for n in net ipc uts cgroup time; do readlink /proc/self/ns/$n; done",
                host("net") + host("ipc") + host("uts") + host("cgroup") + host("time"));
  spec_.namespaces = {};
  const auto own =
      run("for n in net ipc uts cgroup user mnt pid; do readlink /proc/self/ns/$n; done");
  ASSERT_TRUE(own.ok()) << own.error().message;
  for (const char* name : {"net", "ipc", "uts", "cgroup", "user", "mnt", "pid"})
    EXPECT_EQ(own->output.find(host(name)), std::string::npos) << name;
}

TEST_F(SpecTest, ReadOnlyRoot) {
  spec_.access = sandbox::RootAccess::kReadOnly;
  expect_output("touch /new; touch /tmp/new /workspace/new && echo tmp",
                "touch: /new: Read-only file system\ntmp\n");
}

TEST_F(SpecTest, MountsOfEveryType) {
  std::filesystem::create_directory(dir_.path("shared"));
  std::ofstream(dir_.path("shared/file")) << "from outside\n";
  own_by_sandbox_root("shared");
  bind_dirs_ = {dir_.path("shared"), dir_.path("shared")};
  spec_.mounts.push_back({Type::kTmpfs, "mnt/tmp", MOUNT_ATTR_NOEXEC, "mode=0700,size=1m"});
  spec_.mounts.push_back({Type::kMqueue, "dev/mqueue", MOUNT_ATTR_NOSUID});
  spec_.mounts.push_back({Type::kBind, "mnt/rw", 0, "", 0});
  spec_.mounts.push_back({Type::kBind, "mnt/ro", MOUNT_ATTR_RDONLY, "", 1});
  spec_.mounts.push_back({Type::kSysfs, "sys", MOUNT_ATTR_RDONLY});
  expect_output(
      "for m in mnt/tmp dev/mqueue mnt/rw mnt/ro sys; do grep -q \" /$m \" /proc/self/mountinfo || "
      "echo no $m; done; stat -c %a /mnt/tmp; cat /mnt/ro/file; echo mine > /mnt/rw/file; "
      "echo x > /mnt/ro/file; echo x > /sys/kernel/uevent_seqnum",
      "700\nfrom outside\nsh: can't create /mnt/ro/file: Read-only file system\nsh: can't create "
      "/sys/kernel/uevent_seqnum: Read-only file system\n");
  EXPECT_EQ(base::read_file(dir_.path("shared/file"), 100).value(), "mine\n");
}

TEST_F(SpecTest, MountsThatShowTheMachineAreReadOnlyOrRefused) {
  spec_.mounts.push_back({Type::kSysfs, "sys"});
  expect_refused("sysfs");
  spec_.mounts.back().type = Type::kCgroup;
  expect_refused("cgroup");
  spec_.mounts.back() = {Type::kTmpfs, "../outside"};
  expect_refused("../outside");
}

TEST_F(SpecTest, DevicesAreTheOnesThatWereMeant) {
  spec_.devices.push_back({"dev/mine", "/dev/zero", ::makedev(1, 5)});
  expect_output("head -c 4 /dev/mine | wc -c", "4\n");
  spec_.devices.back().number = ::makedev(1, 3);
  expect_refused("/dev/mine");
  spec_.devices.back() = {"dev/mine", "/etc/passwd"};
  expect_refused("/dev/mine");
}

TEST_F(SpecTest, MaskedAndReadOnlyPaths) {
  std::filesystem::create_directories(dir_.path("layer/data/below"));
  std::ofstream(dir_.path("layer/data/secret")) << "sesame\n";
  own_by_sandbox_root("layer");
  spec_.masked_paths = {"data/secret", "proc/irq", "no/such"};
  spec_.readonly_paths = {"data", "proc/sys"};
  expect_output("cat /data/secret; touch /data/below/x; ls -A /proc/irq | wc -l",
                "touch: /data/below/x: Read-only file system\n0\n");
  std::filesystem::create_symlink("data", dir_.path("layer/link"));
  spec_.masked_paths = {"link/secret"};
  expect_refused("/link/secret");
}

TEST_F(SpecTest, NamespacedSysctlsAndNoOthers) {
  spec_.sysctls = {{"net.ipv4.ip_default_ttl", "99"}};
  expect_output("cat /proc/sys/net/ipv4/ip_default_ttl", "99\n");
  const std::string host = base::read_file("/proc/sys/net/ipv4/ip_default_ttl", 10).value();
  EXPECT_NE(host, "99\n");
  spec_.sysctls = {{"kernel.core_pattern", "|/bin/sh"}};
  expect_refused("kernel.core_pattern");
  spec_.sysctls = {{"net/../kernel/core_pattern", "|/bin/sh"}};
  expect_refused("not the name of a sysctl");
  spec_.sysctls = {{"net.ipv4.no_such_setting", "1"}};
  expect_refused("no_such_setting");
  spec_.sysctls = {{"net.ipv4.ip_default_ttl", "99"}};
  spec_.namespaces.network = Sharing::kWithHost;
  expect_refused("not the sandbox's own");
}

TEST_F(SpecTest, ClockOffsets) {
  spec_.clock_offsets = sandbox::ClockOffsets{{1'000'000'000, 0}, {2'000'000'000, 0}};
  if (!sandbox::KernelFeatures::probed().time_namespace)
    return expect_refused("Linux 5.6 with CONFIG_TIME_NS");
  expect_output("cut -c1 /proc/uptime", "2\n");
  spec_.namespaces.time = Sharing::kWithHost;
  expect_refused("time namespace");
}

TEST_F(SpecTest, IdMappingsWithinTheGivenIds) {
  if (single()) GTEST_SKIP() << "no subordinate ids";
  // Given back at once, and the next to be given out.
  const std::uint32_t first = sandbox::HostIds::lease(ids()).value().map().first;
  // Id 5 inside is another one outside: 100 ids are left out.
  const std::vector<sandbox::IdRange> ranges{{0, first, 5}, {5, first + 105, 1000}};
  spec_.id_mappings = sandbox::IdMappings{ranges, {{0, first, 2000}}};
  expect_output(
      "tr -s ' ' < /proc/self/uid_map; wc -l < /proc/self/gid_map",
      " 0 " + std::to_string(first) + " 5\n 5 " + std::to_string(first + 105) + " 1000\n1\n");
  spec_.id_mappings->users = {{0, 0, 1}};
  if (first != 0) expect_refused("users leads to id 0");
  spec_.id_mappings->users = {{1, first, 10}};
  expect_refused("leaves out id 0");
}

}  // namespace
}  // namespace stagebox::testing
