// The config.json of a bundle, as other tools write one, from its text to a running sandbox and its
// end: create, start, exec, kill, delete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "runtime/base/files.h"
#include "sandbox/kernel/kernel_features.h"
#include "sandbox/kernel/landlock_policy.h"
#include "sandbox/oci/open_bundle.h"
#include "sandbox/seccomp/seccomp_policy.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using sandbox::Sandbox;
using ::testing::HasSubstr;

// What `spec` commands of runtimes write, with a command, two limits and a mount of the user's.
constexpr const char* kConfig = R"({
  "ociVersion": "1.0.2",
  "process": {
    "terminal": false,
    "user": {"uid": 0, "gid": 0},
    "args": ["sh", "-c", "echo $GREETING; pwd; hostname; exec sleep 1000"],
    "env": ["PATH=/bin", "GREETING=hello"],
    "cwd": "/tmp",
    "capabilities": {
      "bounding": ["CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "effective": ["CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "permitted": ["CAP_KILL", "CAP_NET_BIND_SERVICE"]
    },
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 512}],
    "noNewPrivileges": true
  },
  "root": {"path": "layer", "readonly": true},
  "hostname": "bundle",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
     "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
     "options": ["nosuid", "noexec", "nodev", "ro"]},
    {"destination": "/data", "type": "bind", "source": "data", "options": ["rbind", "ro"]}
  ],
  "linux": {
    "sysctl": {"net.ipv4.ip_default_ttl": "77"},
    "resources": {"pids": {"limit": 30}, "memory": {"limit": 67108864}},
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                   {"type": "mount"}, {"type": "cgroup"}, {"type": "user"}],
    "maskedPaths": ["/proc/keys", "/proc/timer_list", "/sys/firmware"],
    "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"]
  }
})";

std::string read_lines(int fd, int count) {
  std::string text;
  for (char c = 0; count > 0 && ::read(fd, &c, 1) == 1; text += c) count -= c == '\n' ? 1 : 0;
  return text;
}

class OciBundleTest : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    ASSERT_TRUE(base::make_dirs(dir_.path("data"), 0755).ok());
    take(kConfig);
  }

  /// The directory of the test is the bundle's.
  void take(const std::string& text) {
    auto config = sandbox::oci::parse_oci_config(text, sandbox::ProfileContext::of_machine(0x420));
    ASSERT_TRUE(config.ok()) << config.error().message;
    spec_ = config->spec;
    const auto filter = sandbox::compile_seccomp(config->seccomp, sandbox::DeniedCalls::kAnswered);
    ASSERT_TRUE(filter.ok()) << filter.error().message;
    spec_.seccomp = *filter;
    config_ = std::move(*config);
    bundle_ = [this](const sandbox::HostIds::Lease& lease, sandbox::SandboxResources& resources) {
      auto opened = sandbox::oci::open_bundle(config_, dir_.fd(), lease, resources);
      spec_.mounts = config_.spec.mounts;
      return opened;
    };
  }
  std::string output_of(const std::string& script) {
    const auto result = run(script);
    return result.ok() ? result->output : result.error().message;
  }
  static bool root() { return host_ids_kind() == sandbox::HostIds::Kind::kRoot; }

  sandbox::oci::OciConfig config_;

  std::string exec_output(const HeldSandbox& held, const std::string& script) {
    sandbox::ProcessSpec process;
    process.command = {{"sh", "-c", script}, {{"PATH", "/bin"}}, "/"};
    process.capabilities = spec_.capabilities;
    return SandboxTest::exec_output(held, process);
  }
};

TEST_F(OciBundleTest, GoesThroughItsWholeLife) {
  auto held = hold("", Until::kCreated);
  ASSERT_TRUE(held.ok()) << held.error().message;
  EXPECT_EQ(held->sandbox.state(), Sandbox::State::kCreated);
  ASSERT_TRUE(held->sandbox.start().ok());
  EXPECT_EQ(read_lines(held->output.get(), 3), "hello\n/tmp\nbundle\n");

  const std::string inside = exec_output(*held, R"(
grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\t'
ulimit -Sn; ulimit -Hn; cat /proc/sys/net/ipv4/ip_default_ttl
touch /new; touch /data/new; echo 1 > /proc/sys/net/ipv4/ip_default_ttl; cat /proc/timer_list | wc -c
ls -d /sys/class /dev/shm)");
  EXPECT_THAT(inside, HasSubstr("NoNewPrivs:1\nSeccomp:2\n"));
  EXPECT_THAT(inside, HasSubstr("CapEff:0000000000000420\nCapBnd:0000000000000420\n"));
  EXPECT_THAT(inside, HasSubstr("\n77\n"));
  EXPECT_THAT(inside, HasSubstr("touch: /new: Read-only file system"));
  EXPECT_THAT(inside, HasSubstr("touch: /data/new: Read-only file system"));
  EXPECT_THAT(inside, HasSubstr("ip_default_ttl: Read-only file system"));
  EXPECT_THAT(inside, HasSubstr("\n0\n/dev/shm\n/sys/class\n"));

  ASSERT_TRUE(held->sandbox.signal(SIGKILL).ok());
  struct pollfd dead{held->sandbox.pidfd(), POLLIN, 0};
  ASSERT_EQ(::poll(&dead, 1, 10'000), 1);
  EXPECT_EQ(held->sandbox.state(), Sandbox::State::kStopped);
  EXPECT_TRUE(held->sandbox.destroy().ok());
  EXPECT_TRUE(held->scratch.destroy().ok());
}

// As `spec` commands write one for root: no user namespace is asked for, and there is one.
TEST_F(OciBundleTest, WithoutAUserNamespaceItHasOneAllTheSame) {
  take(R"({
    "ociVersion": "1.2.0",
    "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh"], "env": ["PATH=/bin"], "cwd": "/",
                "capabilities": {"bounding": ["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"],
                                 "permitted": ["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"],
                                 "effective": ["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"]}},
    "root": {"path": "layer"},
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
               {"destination": "/data", "source": "data", "options": ["rbind", "rw"]},
               {"destination": "/etc/name", "source": "data/name", "options": ["bind", "ro"]}],
    "linux": {"namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                             {"type": "mount"}]}
  })");
  std::ofstream(dir_.path("data/name")) << "a file\n";
  const std::string host = std::filesystem::read_symlink("/proc/self/ns/user");
  const std::string inside = output_of(
      "id -u; readlink /proc/self/ns/user; cat /etc/name; stat -c %u /bin /data; "
      "echo x > /data/made; tr -s ' ' < /proc/self/uid_map");
  EXPECT_THAT(inside, ::testing::StartsWith("0\nuser:["));
  EXPECT_THAT(inside, ::testing::Not(HasSubstr(host)));
  EXPECT_THAT(inside, HasSubstr("\na file\n"));
  if (!root()) return;
  EXPECT_THAT(inside, HasSubstr("\n0\n0\n 0 ")) << "ids of root and of binds are as on the disk";
  EXPECT_THAT(inside, ::testing::Not(HasSubstr(" 0 0 "))) << "the host's root is not among them";
  EXPECT_EQ(base::stat_at(dir_.fd(), "data/made").value().st_uid, 0U);
}

// The file system's 1234 is the sandbox's 7; without a mapping a file is nobody's.
TEST_F(OciBundleTest, IdsOfAMountAreMappedAsItSays) {
  if (host_ids_kind() == sandbox::HostIds::Kind::kSingle) GTEST_SKIP() << "no subordinate ids";
  std::ofstream(dir_.path("data/file")) << "x";
  if (root()) (void)!::lchown(dir_.path("data/file").c_str(), 1234, 1235);
  const std::uint32_t first = sandbox::HostIds::lease(ids()).value().map().first;
  const auto config = [&](const std::string& more) {
    const std::string from = std::to_string(first);
    return R"({"ociVersion": "1.2.0",
      "process": {"args": ["sh"], "env": ["PATH=/bin"], "cwd": "/", "noNewPrivileges": true},
      "root": {"path": "layer"},
      "mounts": [{"destination": "/data", "source": "data", "options": ["rbind")" +
           more + R"(}],
      "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "user"},
                               {"type": "network"}],
                "uidMappings": [{"containerID": 0, "hostID": )" +
           from + R"(, "size": 2000}],
                "gidMappings": [{"containerID": 0, "hostID": )" +
           from + R"(, "size": 2000}]}})";
  };
  const auto range = [&](std::uint32_t disk, std::uint32_t inside) {
    return R"([{"containerID": )" + std::to_string(disk) + R"(, "hostID": )" +
           std::to_string(first + inside) + R"(, "size": 1}])";
  };
  const std::string own =
      R"(, "ridmap"], "uidMappings": )" + range(1234, 7) + R"(, "gidMappings": )" + range(1235, 8);
  take(config(own));
  const std::string seen = output_of("stat -c '%u %g' /data/file");
  if (!root()) {
    EXPECT_THAT(seen, HasSubstr("mount on /data: map the ids of a mount"));
    return;
  }
  EXPECT_EQ(seen, "7 8\n");
  take(config(R"(, "idmap"])"));
  EXPECT_EQ(output_of("stat -c '%u %g' /data/file"), "1234 1235\n") << "as in the sandbox";
  take(config("]"));
  EXPECT_EQ(output_of("stat -c '%u %g' /data/file"), "65534 65534\n") << "as on the host";
}

TEST_F(OciBundleTest, NamespacesAreFoundByTheirPaths) {
  // This process's own: as if it were another program's, and in none of the sandbox's.
  std::string text = kConfig;
  const std::string own = R"({"type": "network"})";
  text.replace(text.find(own), own.size(), R"({"type": "network", "path": "/proc/self/ns/uts"})");
  text.replace(text.find("\"sysctl\": {\"net.ipv4.ip_default_ttl\": \"77\"},"),
               std::string("\"sysctl\": {\"net.ipv4.ip_default_ttl\": \"77\"},").size(), "");
  take(text);
  EXPECT_THAT(output_of("true"), HasSubstr("not a namespace of the kind network"));
  (void)base::remove_tree_at(dir_.fd(), scratch_name_);
  text.replace(text.find("ns/uts"), 6, "ns/net");
  // sysfs shows the interfaces of a network, and is only given to who owns it.
  const std::string sys = R"({"destination": "/sys", "type": "sysfs", "source": "sysfs",
     "options": ["nosuid", "noexec", "nodev", "ro"]},)";
  text.replace(text.find(sys), sys.size(), "");
  take(text);
  const std::string seen = output_of("readlink /proc/self/ns/net");
  // It belongs to the host's root.
  if (!root()) {
    EXPECT_EQ(seen, "enter the namespaces of the sandbox: Operation not permitted");
    return;
  }
  const int landlock = sandbox::KernelFeatures::probed().landlock_abi;
  if (!sandbox::landlock_policy(landlock).walls_off_abstract_sockets()) {
    EXPECT_EQ(seen, sandbox::kHostNetworkUnwalled);
    return;
  }
  EXPECT_EQ(seen, std::filesystem::read_symlink("/proc/self/ns/net").string() + "\n");
}

std::string sample(const std::string& name) {
  return base::read_file(std::string(STAGEBOX_OCI_SAMPLES) + "/" + name, 1U << 20U).value();
}

// Their root file system is the test's.
TEST_F(OciBundleTest, OfCrun) {
  std::string text = sample("of_crun.json");
  text.replace(text.find("\"rootfs\""), 8, "\"layer\"");
  if (host_ids_kind() == sandbox::HostIds::Kind::kSingle)
    text.replace(text.find(", \"gid=5\""), 9, "");
  take(text);
  spec_.terminal.reset();
  EXPECT_THAT(output_of("id -u; hostname; grep -E '^Cap(Bnd|Amb)' /proc/self/status | tr -d '\\t'; "
                        "touch /new; ls -d /sys/class /sys/fs/cgroup/cgroup.procs"),
              "0\ncrun\nCapBnd:0000000020000420\nCapAmb:0000000000000000\n"
              "touch: /new: Read-only file system\n/sys/class\n/sys/fs/cgroup/cgroup.procs\n");
}

TEST_F(OciBundleTest, OfPodman) {
  if (!root()) GTEST_SKIP() << "a bundle of root's";
  ASSERT_TRUE(base::make_dirs(dir_.path("data/shm"), 0755).ok());
  for (const char* name : {"hosts", "hostname"}) std::ofstream(dir_.path("data/") + name) << name;
  std::string text = sample("of_podman.json");
  text.replace(text.find("\"rootfs\""), 8, "\"layer\"");
  // A parent of this test's alone.
  const std::string parent = "stagebox-test-podman-" + std::to_string(::getpid());
  text.replace(text.find("libpod_parent"), 13, parent);
  take(text);
  spec_.rlimits.clear();  // May be above what this machine gives.
  const std::string inside = output_of(
      "cat /etc/hosts /etc/hostname; echo; stat -c '%a %u %t:%T' /dev/fuse; touch /data/x; "
      "cat /proc/sys/net/ipv4/ping_group_range | tr '\\t' ' '; id -u; ls -A /sys/firmware | wc -l");
  EXPECT_EQ(inside,
            "hostshostname\n600 0 a:e5\ntouch: /data/x: Read-only file system\n0 0\n0\n0\n");
  for (const auto& place : cgroups().places())
    EXPECT_FALSE(std::filesystem::exists(place.mount_point + "/" + parent)) << place.mount_point;
}

TEST_F(OciBundleTest, ItsLimitsHold) {
  if (cgroups().places().empty()) GTEST_SKIP() << "no cgroups";
  const auto bomb = run("for i in $(seq 100); do sleep 5 & done; wait");
  ASSERT_TRUE(bomb.ok()) << bomb.error().message;
  EXPECT_THAT(bomb->output, HasSubstr("Resource temporarily unavailable"));
}

}  // namespace
}  // namespace stagebox::testing
