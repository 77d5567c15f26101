// What a spec can say, against the real kernel: each thing it asks for is there, or the sandbox
// does not start and the message says which one.
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"
#include "sandbox/kernel/kernel_features.h"
#include "sandbox/kernel/landlock_policy.h"
#include "sandbox/mounts/detached_mount.h"
#include "sandbox/mounts/mount_thread.h"
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
  // The queues of an ipc namespace that is not the sandbox's are for its owner to mount.
  void leave_out_mqueue() {
    std::erase_if(spec_.mounts,
                  [](const auto& mount) { return mount.type == sandbox::Mount::Type::kMqueue; });
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
  leave_out_mqueue();
  spec_.namespaces = {Sharing::kOwn, Sharing::kWithHost, Sharing::kWithHost, Sharing::kWithHost,
                      Sharing::kWithHost};
  expect_output("for n in ipc uts cgroup time; do readlink /proc/self/ns/$n; done",
                host("ipc") + host("uts") + host("cgroup") + host("time"));
  const int landlock = sandbox::KernelFeatures::probed().landlock_abi;
  if (sandbox::landlock_policy(landlock).walls_off_abstract_sockets()) {
    spec_.namespaces.network = Sharing::kWithHost;
    expect_output("readlink /proc/self/ns/net", host("net"));
  }
  spec_.namespaces = {};
  const auto own =
      run("for n in net ipc uts cgroup user mnt pid; do readlink /proc/self/ns/$n; done");
  ASSERT_TRUE(own.ok()) << own.error().message;
  for (const char* name : {"net", "ipc", "uts", "cgroup", "user", "mnt", "pid"})
    EXPECT_EQ(own->output.find(host(name)), std::string::npos) << name;
}

// As the label of a mount, which has commas.
TEST_F(SpecTest, OptionsOfMountsMayHaveQuotes) {
  spec_.mounts.push_back({Type::kTmpfs, "mnt", 0, "mode=\"0710\",size=64k"});
  expect_output("stat -c %a /mnt; df -k /mnt | tail -n 1 | tr -s ' ' | cut -d' ' -f2", "710\n64\n");
  spec_.mounts.back().options = "mode=\"07,10\",size=64k";
  expect_refused("/mnt");
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

TEST_F(SpecTest, DevicesHaveModesAndOwnersOfTheirOwn) {
  if (single()) GTEST_SKIP() << "no subordinate ids";
  using Node = sandbox::Device::Node;
  spec_.devices.push_back(
      {"dev/mine", "/dev/null", ::makedev(1, 3), Node{Node::Type::kCharacter, 0640, 1000, 7}});
  spec_.user = {1000, 1000, {}};
  if (host_ids_kind() != sandbox::HostIds::Kind::kRoot)
    return expect_refused("only the host's root");
  expect_output("stat -c '%a %u %g %t:%T %F' /dev/mine; echo x > /dev/mine && echo written",
                "640 1000 7 1:3 character special file\nwritten\n");
  spec_.user = {1001, 7, {}};
  expect_output("echo x > /dev/mine; head -c 1 /dev/mine && echo read",
                "sh: can't create /dev/mine: Permission denied\nread\n");
  // Whom it could be given to is only who the sandbox has.
  spec_.devices.back().node->uid = 70000;
  expect_refused("/dev/mine has an owner");
}

// As bundles name them: by a number that the host has under another name.
TEST_F(SpecTest, DevicesNeedNoNodeOfTheHostsOfTheirName) {
  using Node = sandbox::Device::Node;
  spec_.devices.push_back({"dev/mine", "/dev/mine", ::makedev(1, 5), Node{}});
  expect_output("head -c 4 /dev/mine | wc -c", "4\n");
  spec_.devices.back() = {"dev/mine", "/dev/mine", ::makedev(1, 5), Node{Node::Type::kBlock}};
  if (host_ids_kind() != sandbox::HostIds::Kind::kRoot) expect_refused("/dev/mine");
}

TEST_F(SpecTest, PipesWithAName) {
  using Node = sandbox::Device::Node;
  spec_.devices.push_back({"run/pipe", "", {}, Node{Node::Type::kFifo, 0600, 0, 0}});
  expect_output("stat -c '%a %u %g %F' /run/pipe; (echo x > /run/pipe) & cat /run/pipe",
                "600 0 0 fifo\nx\n");
}

TEST_F(SpecTest, PropagationOfTheRootAndOfAll) {
  // "shared:N" and "unbindable" are optional fields before the "-" (proc_pid_mountinfo(5)).
  const std::string script =
      "for m in / /proc; do awk -v m=$m '$5 == m { print m, $7 ~ /^shared/, $7 }' "
      "/proc/self/mountinfo | sed 's/:[0-9]*//'; done";
  using sandbox::Propagation;
  using sandbox::PropagationOf;
  expect_output(script, "/ 0 -\n/proc 0 -\n");
  spec_.propagation = Propagation::kShared;
  expect_output(script, "/ 1 shared\n/proc 0 -\n");
  spec_.propagation_of = PropagationOf::kAllMounts;
  expect_output(script, "/ 1 shared\n/proc 1 shared\n");
  spec_.propagation = Propagation::kSlave;
  expect_output(script, "/ 0 -\n/proc 0 -\n");
  spec_.propagation = Propagation::kUnbindable;
  expect_output(script, "/ 0 unbindable\n/proc 0 unbindable\n");
  spec_.propagation_of = PropagationOf::kTheRoot;
  expect_output(script, "/ 0 unbindable\n/proc 0 -\n");
}

// Or what is mounted inside would be mounted outside.
TEST_F(SpecTest, NoMountIsAPeerOfTheHosts) {
  bind_dirs_ = {dir_.path("")};
  spec_.mounts.push_back({Type::kBind, "mnt/shared", 0, "", 0});
  on_resources_ = [](sandbox::SandboxResources& resources) {
    auto shared = sandbox::make_tmpfs(4096, 16);
    ASSERT_TRUE(shared.ok()) << shared.error().message;
    const auto cloned = sandbox::in_own_mount_namespace([&]() -> base::Result<void> {
      TRY(sandbox::attach_over_root(shared->get()));
      struct mount_attr attributes{};
      attributes.propagation = MS_SHARED;
      EXPECT_EQ(base::sys::mount_setattr(shared->get(), "", AT_EMPTY_PATH, attributes), 0);
      resources.binds[0] =
          TRY(sandbox::clone_mount(shared->get(), sandbox::MountAccess::kReadWrite, -1));
      resources.inputs.push_back(
          TRY(sandbox::clone_mounts(shared->get(), sandbox::MountDepth::kWithSubmounts)));
      return {};
    });
    ASSERT_TRUE(cloned.ok()) << cloned.error().message;
  };
  spec_.inputs = {{"mnt/other", 0, sandbox::InputMount::Mode::kReadOnly,
                   sandbox::InputMount::Kind::kDirectory}};
  expect_output(
      "grep -c ' /mnt/' /proc/self/mountinfo; grep -E 'shared:|master:' "
      "/proc/self/mountinfo",
      "2\n");
}

TEST_F(SpecTest, AttributesOfMounts) {
  std::filesystem::create_directory(dir_.path("shared"));
  std::filesystem::create_symlink("/bin/busybox", dir_.path("shared/link"));
  own_by_sandbox_root("shared");
  bind_dirs_ = {dir_.path("shared"), dir_.path("shared")};
  // The kernel keeps what times of access are to an ordinary user's mounts of others.
  spec_.mounts.push_back({Type::kBind, "mnt/a", MOUNT_ATTR_NOATIME, "", 0});
  if (host_ids_kind() != sandbox::HostIds::Kind::kRoot)
    return expect_refused("mount on \"/mnt/a\"");
  spec_.mounts.push_back(
      {Type::kBind, "mnt/b", MOUNT_ATTR_STRICTATIME | MOUNT_ATTR_NOSYMFOLLOW, "", 1});
  expect_output(
      "head -c 1 /mnt/a/link | wc -c; head -c 1 /mnt/b/link; "
      "awk '$5 ~ /mnt/ { print $5, $6 ~ /noatime/, $6 ~ /relatime/, $6 ~ /nosymfollow/ }' "
      "/proc/self/mountinfo",
      "1\nhead: /mnt/b/link: Too many levels of symbolic links\n/mnt/a 1 0 0\n"
      "/mnt/b 0 0 1\n");
}

TEST_F(SpecTest, ATmpfsWithTheContentOfTheDirectory) {
  std::filesystem::create_directories(dir_.path("layer/var/lib/deep"));
  std::ofstream(dir_.path("layer/var/lib/deep/file")) << "of the image\n";
  std::ofstream(dir_.path("layer/var/lib/gone")) << "x";
  own_by_sandbox_root("layer");
  ASSERT_EQ(::chmod(dir_.path("layer/var/lib").c_str(), 0750), 0);
  spec_.access = sandbox::RootAccess::kReadOnly;
  const auto add = [&](const std::string& options) {
    sandbox::Mount mount{Type::kTmpfs, "var/lib", MOUNT_ATTR_NOEXEC, options};
    mount.content = sandbox::Mount::Content::kOfTheDirectory;
    spec_.mounts.push_back(mount);
  };
  add("size=1m");
  expect_output(
      "stat -c '%a %u' /var/lib; cat /var/lib/deep/file; echo more >> /var/lib/deep/file; "
      "cat /var/lib/deep/file; rm /var/lib/gone; ls /var/lib; touch /var/x; "
      "dd if=/dev/zero of=/var/lib/big bs=1M count=3 2>&1 | grep -o 'No space left'; "
      "cp /bin/busybox /var/lib/sh 2>/dev/null; grep -c ' /var/lib .*noexec' /proc/self/mountinfo",
      "750 0\nof the image\nof the image\nmore\ndeep\ntouch: /var/x: Read-only file system\n"
      "No space left\n1\n");
  spec_.mounts.pop_back();
  add("mode=1777,size=1m");
  expect_output("stat -c %a /var/lib", "1777\n");
  spec_.mounts.pop_back();
  add("uid=5");
  expect_refused("is whose that is");
  EXPECT_EQ(base::read_file(dir_.path("layer/var/lib/deep/file"), 100).value(), "of the image\n");
}

TEST_F(SpecTest, MemoryPolicy) {
  spec_.memory_policy = sandbox::MemoryPolicy{2, "0"};  // MPOL_BIND
  expect_output("head -n 1 /proc/self/numa_maps | cut -d' ' -f2", "bind:0\n");
  spec_.memory_policy = sandbox::MemoryPolicy{2, "1000"};
  expect_refused("memory policy");
  spec_.memory_policy = sandbox::MemoryPolicy{2, "none"};
  expect_refused("is not a list");
}

TEST_F(SpecTest, ProcessorsOfWhatIsAdded) {
  auto held = HOLD("sleep 1000", Until::kRunning);
  sandbox::ProcessSpec process;
  process.command = {{"grep", "Cpus_allowed_list", "/proc/self/status"}, {{"PATH", "/bin"}}, "/"};
  process.added_cpus = "0";
  EXPECT_EQ(exec_output(held, process), "Cpus_allowed_list:\t0\n");
  process.added_cpus = "1023";
  EXPECT_NE(exec_output(held, process).find("processors"), std::string::npos);
}

TEST_F(SpecTest, LabelsNeedTheirSecurityModule) {
  const auto features = sandbox::with_security_modules({});
  spec_.labels.apparmor_profile = "stagebox-test-no-such-profile";
  expect_refused(features.apparmor ? "set the AppArmor profile" : "no AppArmor");
  spec_.labels = {"", "system_u:system_r:no_such_t:s0"};
  expect_refused(features.selinux ? "set the SELinux label" : "no SELinux");
  spec_.labels = {};
  auto held = HOLD("sleep 1000", Until::kRunning);
  sandbox::ProcessSpec process;
  process.command = {{"true"}, {{"PATH", "/bin"}}, "/"};
  process.labels.apparmor_profile = "any";
  EXPECT_NE(exec_output(held, process).find("no security label"), std::string::npos);
}

// A thread makes namespaces, as another program would have; they stay as long as their descriptors.
class GivenNamespacesTest : public SpecTest {
 protected:
  static constexpr int kAll =
      CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWTIME;
  static base::UniqueFd open(const std::string& name) {
    return base::UniqueFd(::open(("/proc/thread-self/ns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  }
  void SetUp() override {
    SpecTest::SetUp();
    if (!sandbox::KernelFeatures::probed().time_namespace) GTEST_SKIP() << "no time namespaces";
    std::thread([&] {
      ASSERT_EQ(::unshare(kAll), 0);
      ASSERT_EQ(::sethostname("given", 5), 0);
      given_.network = open("net");
      given_.ipc = open("ipc");
      given_.uts = open("uts");
      given_.cgroup = open("cgroup");
      given_.time = open("time_for_children");
    }).join();
    on_resources_ = [&](sandbox::SandboxResources& resources) {
      const auto copy = [](const base::UniqueFd& fd) { return base::duplicate(fd.get()).value(); };
      resources.namespaces = {copy(given_.network), copy(given_.ipc), copy(given_.uts),
                              copy(given_.cgroup), copy(given_.time)};
    };
    spec_.hostname.clear();
    leave_out_mqueue();
  }
  static std::string name_of(const base::UniqueFd& fd, const std::string& kind) {
    return kind + ":[" + std::to_string(base::stat_fd(fd.get()).value().st_ino) + "]\n";
  }
  std::string all() const {
    return name_of(given_.network, "net") + name_of(given_.ipc, "ipc") +
           name_of(given_.uts, "uts") + name_of(given_.cgroup, "cgroup") +
           name_of(given_.time, "time");
  }

  sandbox::GivenNamespaces given_;
};

constexpr char kShowAll[] = "for n in net ipc uts cgroup time; do readlink /proc/self/ns/$n; done";

TEST_F(GivenNamespacesTest, TheSandboxIsInThem) {
  spec_.namespaces = {Sharing::kGiven, Sharing::kGiven, Sharing::kGiven, Sharing::kGiven,
                      Sharing::kGiven};
  expect_output(std::string(kShowAll) + "; hostname", all() + "given\n");
}

TEST_F(GivenNamespacesTest, WhatIsAddedIsInThem) {
  spec_.namespaces = {Sharing::kGiven, Sharing::kGiven, Sharing::kGiven, Sharing::kGiven,
                      Sharing::kGiven};
  auto held = HOLD("sleep 1000", Until::kRunning);
  sandbox::ProcessSpec process;
  process.command = {{"sh", "-c", kShowAll}, {{"PATH", "/bin"}}, "/"};
  EXPECT_EQ(exec_output(held, process), all());
}

TEST_F(GivenNamespacesTest, OneAloneLeavesTheOthersItsOwn) {
  spec_.namespaces.network = Sharing::kGiven;
  const auto result = run("for n in net ipc uts user mnt pid; do readlink /proc/self/ns/$n; done");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output.find(name_of(given_.network, "net")), 0U) << result->output;
  for (const char* name : {"ipc", "uts", "user", "mnt", "pid"}) {
    const std::string host = std::filesystem::read_symlink(std::string("/proc/self/ns/") + name);
    EXPECT_EQ(result->output.find(host), std::string::npos) << name;
  }
  EXPECT_EQ(result->output.find(name_of(given_.uts, "uts")), std::string::npos);
}

// Being in it is no power over it.
TEST_F(GivenNamespacesTest, ItIsNotTheSandboxsToChange) {
  if (single()) GTEST_SKIP() << "no subordinate ids";
  spec_.namespaces.uts = Sharing::kGiven;
  const std::uint64_t all_of_them = (std::uint64_t{1} << 41U) - 1;
  spec_.capabilities = {all_of_them, all_of_them, all_of_them};
  expect_output("hostname mine 2>/dev/null || hostname", "given\n");
  spec_.hostname = "mine";
  expect_refused("uts namespace of the sandbox's own");
}

TEST_F(GivenNamespacesTest, OneOfAnotherKindIsRefused) {
  spec_.namespaces.network = Sharing::kGiven;
  std::swap(given_.network, given_.uts);
  expect_refused("not a namespace of the kind network");
  given_.network.reset();
  on_resources_ = nullptr;
  expect_refused("not a namespace of the kind network");
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
