// The config.json of a bundle, as other tools write one, from its text to a running sandbox and its
// end: create, start, exec, kill, delete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>

#include "runtime/base/files.h"
#include "sandbox/oci/oci_config.h"
#include "sandbox/seccomp_policy.h"
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
  "root": {"path": "rootfs", "readonly": true},
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
    auto config =
        sandbox::oci::parse_oci_config(kConfig, sandbox::ProfileContext::of_machine(0x420));
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_EQ(config->root, "rootfs");  // The fixture's layer stands for it.
    ASSERT_EQ(config->binds.size(), 1U);
    const std::string data = dir_.path(config->binds[0].path);
    ASSERT_TRUE(base::make_dirs(data, 0755).ok());
    bind_dirs_ = {data};
    spec_ = config->spec;
    const auto filter = sandbox::compile_seccomp(config->seccomp, sandbox::DeniedCalls::kAnswered);
    ASSERT_TRUE(filter.ok()) << filter.error().message;
    spec_.seccomp = *filter;
  }

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

TEST_F(OciBundleTest, ItsLimitsHold) {
  if (cgroups().places().empty()) GTEST_SKIP() << "no cgroups";
  const auto bomb = run("for i in $(seq 100); do sleep 5 & done; wait");
  ASSERT_TRUE(bomb.ok()) << bomb.error().message;
  EXPECT_THAT(bomb->output, HasSubstr("Resource temporarily unavailable"));
}

}  // namespace
}  // namespace stagebox::testing
