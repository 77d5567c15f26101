// The sandbox against the real kernel: what a stage sees, and what it must not.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using sandbox::Exited;
using sandbox::LimitHit;
using sandbox::Signaled;
using sandbox::TimedOut;

#define RUN(script)                                             \
  __extension__({                                               \
    auto run_result = run(script);                              \
    ASSERT_TRUE(run_result.ok()) << run_result.error().message; \
    std::move(*run_result);                                     \
  })

TEST_F(SandboxTest, RunsACommandAndReportsItsStatus) {
  const auto result = RUN("echo out; echo err >&2; exit 7");
  EXPECT_EQ(result.output, "out\nerr\n");
  ASSERT_TRUE(std::holds_alternative<Exited>(result.report.cause)) << result.report.describe();
  EXPECT_EQ(std::get<Exited>(result.report.cause).status, 7);
}

TEST_F(SandboxTest, ReportsSignals) {
  const auto result = RUN("kill -SEGV $$");
  ASSERT_TRUE(std::holds_alternative<Signaled>(result.report.cause)) << result.report.describe();
  EXPECT_EQ(result.report.shell_status(), 128 + SIGSEGV);
}

TEST_F(SandboxTest, MissingCommandIsTheStagesFault) {
  spec_.command.argv = {"no-such-command"};
  const auto result = RUN("");
  EXPECT_EQ(result.report.shell_status(), 127) << result.report.describe();
}

TEST_F(SandboxTest, HasNoCapabilityAndNoPrivilegeToGain) {
  const auto result = RUN("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
  EXPECT_EQ(result.output,
            "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
            "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
}

TEST_F(SandboxTest, HasOnlyTheStandardDescriptors) {
  // A descriptor without CLOEXEC in this process must not arrive either.
  const int leak = ::open("/etc", O_RDONLY | O_DIRECTORY);
  const auto result = RUN("ls /proc/self/fd | tr '\\n' ' '");
  ::close(leak);
  EXPECT_EQ(result.output, "0 1 2 3 ");  // 3 is ls's own
}

TEST_F(SandboxTest, SeesOnlyItsOwnProcesses) {
  const auto result = RUN("echo $$; ls -d /proc/[0-9]* | wc -l; cat /proc/1/cmdline 2>&1 | wc -c");
  EXPECT_TRUE(result.output.starts_with("2\n")) << result.output;
  const auto visible = RUN("ls /proc/1 2>&1");
  EXPECT_NE(visible.output.find("No such file"), std::string::npos)
      << "pid 1 is ours: " << visible.output;
}

TEST_F(SandboxTest, SeesOnlyTheImageAndTheWorkspace) {
  const auto names = RUN("ls / | tr '\\n' ' '");
  EXPECT_EQ(names.output, "bin dev etc proc tmp usr workspace ");
  // Every mount is one of these: no staging directory and nothing of the host's tree is left.
  const auto mounts = RUN("cut -d' ' -f5 /proc/self/mountinfo | sort | tr '\\n' ' '");
  EXPECT_EQ(mounts.output.find("/staging"), std::string::npos);
  for (const char* host : {"/sys", "/run", "/home", "/root", "/boot", "/lib"}) {
    EXPECT_EQ(mounts.output.find(std::string(" ") + host), std::string::npos) << mounts.output;
  }
  EXPECT_TRUE(mounts.output.starts_with("/ /dev /dev/full /dev/mqueue /dev/null "))
      << mounts.output;
  EXPECT_EQ(RUN("ls /.. | tr '\\n' ' '").output, names.output) << "something lies over the root";
}

TEST_F(SandboxTest, RootIsNobodyOnTheHost) {
  EXPECT_EQ(RUN("id -u").output, "0\n");
  const auto uid_map = RUN("cat /proc/self/uid_map");
  std::istringstream fields(uid_map.output);
  unsigned inside = 1;
  unsigned outside = 0;
  unsigned count = 0;
  fields >> inside >> outside >> count;
  EXPECT_EQ(inside, 0U);
  if (host_ids_kind() == sandbox::HostIds::Kind::kRoot) {
    EXPECT_GE(outside, 0x70000000U);
  }
}

TEST_F(SandboxTest, RunsAsTheUserThatWasAskedFor) {
  if (host_ids_kind() == sandbox::HostIds::Kind::kSingle) GTEST_SKIP() << "no subordinate ids";
  spec_.user = {1000, 1001, {1002, 1003}};
  const auto result = RUN("id -u; id -g; id -G; touch mine && stat -c %u:%g mine");
  EXPECT_EQ(result.output, "1000\n1001\n1001 1002 1003\n1000:1001\n");
}

TEST_F(SandboxTest, HasNoNetworkButItsOwnLoopback) {
  const auto result =
      RUN("ls /sys 2>&1; cat /proc/net/dev | tail -n +3 | cut -d: -f1; ip addr show lo | grep -c "
          "'inet 127.0.0.1'");
  EXPECT_NE(result.output.find("lo\n1\n"), std::string::npos) << result.output;
}

TEST_F(SandboxTest, CannotMountUnshareOrInjectInput) {
  const auto result =
      RUN("mount -t tmpfs none /tmp 2>&1; unshare -r true 2>&1; unshare -n true 2>&1; chroot / "
          "true 2>&1; mknod /tmp/k c 1 1 2>&1");
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 5) << result.output;
  EXPECT_EQ(result.output.find("Invalid"), std::string::npos) << result.output;
}

TEST_F(SandboxTest, ProcAndItsSettingsAreReadOnly) {
  const auto result =
      RUN("echo 1 > /proc/sys/kernel/ns_last_pid; echo x > /proc/self/comm; echo b > "
          "/proc/sysrq-trigger; "
          "cat /proc/kcore | wc -c; cat /proc/keys | wc -c");
  EXPECT_NE(result.output.find("Read-only"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("\n0\n0\n"), std::string::npos) << result.output;
}

TEST_F(SandboxTest, WritesNeverReachTheLayer) {
  const auto result =
      RUN("echo changed > /etc/passwd && rm /bin/ls && mkdir /new && cat /etc/passwd");
  EXPECT_EQ(result.output, "changed\n");
  EXPECT_TRUE(base::stat_at(dir_.fd(), "layer/bin/ls").ok());
  EXPECT_FALSE(base::stat_at(dir_.fd(), "layer/new").ok());
  EXPECT_NE(base::read_file(dir_.path("layer/etc/passwd"), 4096).value(), "changed\n");
}

TEST_F(SandboxTest, MountPointsThatTheImageLacksAreNoInodesOnTheDisk) {
  ASSERT_FALSE(base::stat_at(dir_.fd(), "layer/proc").ok());
  const auto held = hold("true", Until::kCreated);
  ASSERT_TRUE(held.ok()) << held.error().message;
  const base::UniqueFd upper(::openat(held->scratch.fd(), "upper", O_RDONLY | O_DIRECTORY));
  ASSERT_TRUE(upper);
  EXPECT_THAT(base::list_dir(upper.get()).value(), ::testing::IsEmpty());
}

TEST_F(SandboxTest, AHostsFileOfTheImageIsReplaced) {
  ASSERT_EQ(::mkdirat(dir_.fd(), "layer/workspace", 0750), 0);
  std::ofstream(dir_.path("layer/workspace/of-the-image")) << "hidden by the mount";
  std::ofstream(dir_.path("layer/etc/hosts")) << "192.0.2.1 of-the-image\n";
  own_by_sandbox_root("layer");
  const auto result = RUN("cat /etc/hosts; ls /etc/passwd");
  EXPECT_EQ(result.output,
            "127.0.0.1 localhost stagebox\n::1 localhost ip6-localhost\n/etc/passwd\n");
}

TEST_F(SandboxTest, FilesOfAllLayersHaveOneDeviceAndKeepTheirInode) {
  const auto result = RUN(
      "touch /new; for f in / /etc /etc/passwd /etc/hosts /new; do busybox stat -c %d $f; done |"
      "sort -u | wc -l; old=$(busybox stat -c %i /etc/passwd); echo more >> /etc/passwd;"
      "test $old = $(busybox stat -c %i /etc/passwd) && echo same");
  EXPECT_EQ(result.output, "1\nsame\n");
}

TEST_F(SandboxTest, InputsAreReadOnlyOrPrivateCopies) {
  ASSERT_EQ(::mkdirat(dir_.fd(), "input", 0755), 0);
  std::ofstream(dir_.path("input/file")) << "original";
  own_by_sandbox_root("input");
  input_dir_ = dir_.path("input");
  const auto read_only = RUN("cat in/file; echo x > in/file; rm in/file; touch in/new");
  EXPECT_TRUE(read_only.output.starts_with("original")) << read_only.output;
  ASSERT_NE(read_only.output.find("Read-only"), std::string::npos) << read_only.output;
  input_mode_ = sandbox::InputMount::Mode::kOverlay;
  const auto overlay = RUN("echo changed > in/file && touch in/new && cat in/file");
  EXPECT_EQ(overlay.output, "changed\n");
  EXPECT_EQ(base::read_file(dir_.path("input/file"), 100).value(), "original");
  EXPECT_FALSE(base::stat_at(dir_.fd(), "input/new").ok());
}

TEST_F(SandboxTest, ImageLinksAsMountTargetsAreRefused) {
  for (const char* target : {"proc", "dev", "workspace", "tmp"}) {
    const std::string path = dir_.path("layer/") + target;
    ASSERT_TRUE(base::remove_tree_at(AT_FDCWD, path).ok());
    ASSERT_EQ(::mkdirat(dir_.fd(), "canary", 0755) == 0 || errno == EEXIST, true);
    ASSERT_EQ(::symlink(dir_.path("canary").c_str(), path.c_str()), 0);
    const auto result = run("true");
    EXPECT_FALSE(result.ok()) << target;
    if (!result.ok()) {
      EXPECT_NE(result.error().message.find(target), std::string::npos) << result.error().message;
    }
    ASSERT_EQ(::unlink(path.c_str()), 0);
    ASSERT_TRUE(base::remove_tree_at(dir_.fd(), "scratch").ok());
  }
  EXPECT_TRUE(
      base::list_dir(base::open_path(dir_.path("canary"), O_RDONLY).value().get()).value().empty());
}

TEST_F(SandboxTest, WorkdirThroughAMagicLinkIsRefused) {
  spec_.command.workdir = "/proc/self/fd/0";
  EXPECT_FALSE(run("true").ok());
}

TEST_F(SandboxTest, TimeoutKillsEvenWhatIgnoresSigterm) {
  supervision_.timeout = std::chrono::milliseconds(300);
  const auto result =
      RUN("trap '' TERM; (setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &); while :; do "
          "sleep 1; done");
  EXPECT_TRUE(std::holds_alternative<TimedOut>(result.report.cause)) << result.report.describe();
}

TEST_F(SandboxTest, DaemonsDieWithTheStage) {
  const auto result =
      RUN("(setsid sleep 1000 &) ; (nohup sleep 1000 >/dev/null 2>&1 &); echo done");
  EXPECT_EQ(result.output, "done\n");
  EXPECT_TRUE(result.report.succeeded());
}

TEST_F(SandboxTest, EndlessOutputHitsTheLogLimit) {
  spec_.limits.log = 100'000;
  const auto result = RUN("yes");
  EXPECT_EQ(result.output.size(), 100'000U);
  ASSERT_TRUE(std::holds_alternative<LimitHit>(result.report.cause)) << result.report.describe();
}

// However long a line is and however much there is of it, it passes through a buffer.
TEST_F(SandboxTest, ALineWithoutEndDoesNotFillOurMemory) {
  constexpr std::uint64_t kLine = std::uint64_t{256} << 20;
  auto held = hold("head -c " + std::to_string(kLine) + " /dev/zero | tr '\\0' x", Until::kRunning);
  ASSERT_TRUE(held.ok()) << held.error().message;
  struct rusage before{};
  ASSERT_EQ(::getrusage(RUSAGE_SELF, &before), 0);
  std::uint64_t bytes = 0;
  sandbox::Supervision supervision;
  supervision.outputs.push_back({std::move(held->output), [&](std::span<const std::byte> part) {
                                   bytes += part.size();
                                   return base::Result<void>();
                                 }});
  const auto report = sandbox::supervise(held->sandbox, std::move(supervision));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(bytes, kLine);
  struct rusage after{};
  ASSERT_EQ(::getrusage(RUSAGE_SELF, &after), 0);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 32 * 1024) << "KiB";
}

TEST_F(SandboxTest, WorkspaceSurvivesTheSandbox) {
  const auto result =
      RUN("mkdir -p a/b; echo hi > a/b/c; echo $PWD; hostname; cat /etc/hosts | head -n 1");
  EXPECT_EQ(result.output, "/workspace\nstagebox\n127.0.0.1 localhost stagebox\n");
  EXPECT_EQ(workspace_listing_, "a\n");
}

}  // namespace
}  // namespace stagebox::testing
