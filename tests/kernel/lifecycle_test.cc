// The steps of a sandbox's life: create, start, exec, kill, delete.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "runtime/base/files.h"
#include "tests/kernel/helper_killer.h"
#include "tests/kernel/host_process.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using base::UniqueFd;
using sandbox::Sandbox;
using State = sandbox::Sandbox::State;

// Reads a line, however it arrives.
std::string read_line(const UniqueFd& fd) {
  std::string text;
  for (char c = 0; ::read(fd.get(), &c, 1) == 1 && c != '\n';) text += c;
  return text;
}

class LifecycleTest : public SandboxTest {
 protected:
  sandbox::ProcessSpec shell(const std::string& script) const {
    sandbox::ProcessSpec process;
    process.command.argv = {"sh", "-c", script};
    process.command.environment = {{"PATH", "/bin"}};
    process.command.workdir = "/workspace";
    return process;
  }
  std::string exec_output(const HeldSandbox& held, const std::string& script) {
    return SandboxTest::exec_output(held, shell(script));
  }
  static void wait_until_dead(const Sandbox& sandbox) {
    struct pollfd dead{sandbox.pidfd(), POLLIN, 0};
    (void)::poll(&dead, 1, -1);
  }
};

// As who was handed it over a socket that a mount brought into the sandbox.
TEST_F(LifecycleTest, WhoeverOutsideKeepsTheOutputOpenKeepsNobodyWaiting) {
  HeldSandbox held = HOLD("echo said", Until::kRunning);
  const UniqueFd writer(
      ::open(("/proc/self/fd/" + std::to_string(held.output.get())).c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(writer.valid());
  std::string said;
  sandbox::Supervision supervision;
  supervision.outputs.push_back(
      {std::move(held.output), [&said](std::span<const std::byte> bytes) -> base::Result<void> {
         said.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
         return {};
       }});
  const auto report = sandbox::supervise(held.sandbox, std::move(supervision));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->succeeded());
  EXPECT_EQ(said, "said\n");
}

TEST_F(LifecycleTest, StepsFollowEachOther) {
  HeldSandbox held = HOLD("echo ran; exec sleep 1000", Until::kCreated);
  EXPECT_EQ(held.sandbox.state(), State::kCreated);
  struct pollfd output{held.output.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&output, 1, 0), 0) << "the command ran before it was started";
  EXPECT_FALSE(held.sandbox.exec(server(), shell("true"), {}).ok());
  ASSERT_TRUE(held.sandbox.start().ok());
  EXPECT_EQ(held.sandbox.state(), State::kRunning);
  EXPECT_EQ(read_line(held.output), "ran");
  EXPECT_FALSE(held.sandbox.start().ok());
  EXPECT_EQ(held.sandbox.destroy().error().kind, base::ErrorKind::kInvalid);
  ASSERT_TRUE(held.sandbox.signal(SIGTERM).ok());
  wait_until_dead(held.sandbox);
  EXPECT_EQ(held.sandbox.state(), State::kStopped);
  const auto record = held.sandbox.exit_record();
  ASSERT_TRUE(record);
  EXPECT_EQ(WTERMSIG(record->wait_status), SIGTERM);
  EXPECT_TRUE(held.sandbox.destroy().ok());
}

TEST_F(LifecycleTest, CanBeKilledAndThrownAwayBeforeItsStart) {
  HeldSandbox killed = HOLD("true", Until::kCreated);
  ASSERT_TRUE(killed.sandbox.signal(SIGTERM).ok());
  wait_until_dead(killed.sandbox);
  EXPECT_FALSE(killed.sandbox.start().ok());
  EXPECT_TRUE(killed.sandbox.destroy().ok());
  ASSERT_TRUE(killed.scratch.destroy().ok());
  HeldSandbox forced = HOLD("true", Until::kCreated);
  EXPECT_TRUE(forced.sandbox.destroy(Sandbox::Removal::kByForce).ok());
  EXPECT_EQ(forced.sandbox.state(), State::kStopped);
}

TEST_F(LifecycleTest, ACommandThatCannotBeExecutedIsToldAtItsStart) {
  spec_.command.argv = {"no-such-command"};
  HeldSandbox held = HOLD("", Until::kCreated);
  ASSERT_TRUE(held.sandbox.start().ok());
  ASSERT_TRUE(held.sandbox.exec_failure());
  EXPECT_EQ(held.sandbox.exec_failure()->error, ENOENT);
}

TEST_F(LifecycleTest, ExecIsInTheSameNamespacesAndCgroup) {
  const std::string probe =
      "for n in user mnt pid net ipc uts cgroup time; do readlink /proc/self/ns/$n; done; cat "
      "/proc/self/cgroup; hostname; ls /";
  HeldSandbox held =
      HOLD("(" + probe + ") > /workspace/first; echo; exec sleep 1000", Until::kRunning);
  read_line(held.output);
  EXPECT_EQ(exec_output(held, "(" + probe + ") > second; cmp first second && echo same"), "same\n");
}

TEST_F(LifecycleTest, ExecIsAsConfinedAsTheFirstProcess) {
  const std::string probe = "grep -E '^(Cap|NoNewPrivs|Seccomp|Uid|Gid)' /proc/self/status; umask";
  HeldSandbox held =
      HOLD("(" + probe + ") > /workspace/first; echo; exec sleep 1000", Until::kRunning);
  read_line(held.output);
  EXPECT_EQ(exec_output(held, "(" + probe + ") > second; cmp first second && echo same"), "same\n");
  EXPECT_EQ(exec_output(held, "ls /proc/self/fd | tr '\\n' ' '"), "0 1 2 3 ");
  const std::string mounted = exec_output(held, "mount -t tmpfs none /tmp; unshare -r true");
  EXPECT_NE(mounted.find("permitted"), std::string::npos) << mounted;
  EXPECT_EQ(exec_output(held, "echo $PPID"), "0\n") << "it has a parent inside";
}

// CVE-2019-5736, CVE-2024-21626: a process of the sandbox that looks at everything there is, as
// often as it can, while others are added, finds nothing of ours to open.
TEST_F(LifecycleTest, NothingOfOursIsInReachWhileAProcessIsAdded) {
  constexpr std::uint64_t kAll = (std::uint64_t{1} << 41) - 1;
  spec_.capabilities = {kAll, kAll, kAll};
  // hidepid is of no use against the most capable.
  HeldSandbox held = HOLD(
      "echo; while [ ! -e stop ]; do for p in /proc/[0-9]*; do for f in $p/exe $p/cwd $p/root "
      "$p/fd/3 $p/fd/4; do t=$(readlink $f) && case $t in /bin/*|/workspace|/|pipe:*|/dev/null) ;; "
      "*) echo \"$f $t\";; esac; done; done; done 2>/dev/null; echo end",
      Until::kRunning);
  read_line(held.output);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(exec_output(held, "echo here"), "here\n");
  EXPECT_EQ(exec_output(held, "touch stop"), "");
  EXPECT_EQ(read_line(held.output), "end");
}

TEST_F(LifecycleTest, ExecRunsAsWhomItIsTold) {
  HeldSandbox held = HOLD("exec sleep 1000", Until::kRunning);
  sandbox::ProcessSpec process = shell("id -u; pwd; echo $NAME");
  process.command.environment["NAME"] = "value";
  process.command.workdir = "/bin";
  const bool single = host_ids_kind() == sandbox::HostIds::Kind::kSingle;
  if (!single) process.user = {1000, 1000, {1001}};
  auto executed = exec(held, process);
  ASSERT_TRUE(executed.ok()) << executed.error().message;
  EXPECT_EQ(base::read_all(executed->output.get(), 4096).value(),
            (single ? "0" : "1000") + std::string("\n/bin\nvalue\n"));
  process.command.workdir = "/proc/self/fd/0/..";
  EXPECT_FALSE(exec(held, process).ok());
}

TEST_F(LifecycleTest, ExecHasAStatusOfItsOwn) {
  HeldSandbox held = HOLD("exec sleep 1000", Until::kRunning);
  auto executed = exec(held, shell("exit 9"));
  ASSERT_TRUE(executed.ok()) << executed.error().message;
  EXPECT_EQ(WEXITSTATUS(executed->process.wait().value().wait_status), 9);
  auto killed = exec(held, shell("exec sleep 1000"));
  ASSERT_TRUE(killed.ok());
  ASSERT_TRUE(killed->process.signal(SIGKILL).ok());
  EXPECT_EQ(WTERMSIG(killed->process.wait().value().wait_status), SIGKILL);
  sandbox::ProcessSpec missing = shell("");
  missing.command.argv = {"no-such-command"};
  auto failed = exec(held, missing);
  ASSERT_TRUE(failed.ok()) << failed.error().message;
  ASSERT_TRUE(failed->process.exec_failure());
  EXPECT_EQ(failed->process.exec_failure()->error, ENOENT);
  EXPECT_EQ(held.sandbox.state(), State::kRunning);
}

TEST_F(LifecycleTest, ExecDiesWithTheSandbox) {
  HeldSandbox held = HOLD("exec sleep 1000", Until::kRunning);
  auto executed = exec(held, shell("trap '' TERM; while :; do sleep 1; done"));
  ASSERT_TRUE(executed.ok()) << executed.error().message;
  ASSERT_TRUE(held.sandbox.destroy(Sandbox::Removal::kByForce).ok());
  const auto record = executed->process.wait();
  ASSERT_TRUE(record.ok()) << record.error().message;
  EXPECT_EQ(WTERMSIG(record->wait_status), SIGKILL);
  EXPECT_FALSE(exec(held, shell("true")).ok());
}

// Of its own, because only root can do it.
class TracedLifecycleTest : public LifecycleTest {};

// Its helper is in the sandbox's cgroup, which may run out of memory at any time.
TEST_F(TracedLifecycleTest, AHelperThatDiesEarlyLeavesNoProcess) {
  if (host_ids_kind() != sandbox::HostIds::Kind::kRoot) GTEST_SKIP() << "only root can trace it";
  own_server_ = std::move(*sandbox::ForkServer::start());
  HeldSandbox held = HOLD("exec sleep 1000", Until::kRunning);
  const std::string server = status_of(pid_behind(held.sandbox.pidfd()), "PPid");
  HelperKiller killer(server);
  ASSERT_TRUE(killer.started());
  const auto executed = exec(held, shell("exec sleep 1000"));
  EXPECT_TRUE(killer.killed());
  ASSERT_FALSE(executed.ok());
  EXPECT_EQ(executed.error().errno_value, ECHILD) << executed.error().message;
  EXPECT_EQ(count_children(server), 1U) << "its pid 1";
  EXPECT_EQ(exec_output(held, "echo again"), "again\n");
  ASSERT_TRUE(held.sandbox.destroy(Sandbox::Removal::kByForce).ok());
}

}  // namespace
}  // namespace stagebox::testing
