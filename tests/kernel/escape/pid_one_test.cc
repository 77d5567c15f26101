// Pid 1 of a sandbox, and what joins one: clones of a process of Stagebox's own, which hold nothing
// that is worth having, which nobody may look into, and which die with it.
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/base/files.h"
#include "tests/kernel/escape/escape_fixture.h"
#include "tests/kernel/host_process.h"
#include "tests/kernel/suid_dumpable.h"

namespace stagebox::testing {
namespace {

namespace fs = std::filesystem;
using sandbox::ForkServer;
using sandbox::HostIds;

constexpr char kFiltered[] = "2";

class PidOneTest : public EscapeTest {
 protected:
  // It becomes the reaper beside the stage: when its filter is there it has given all else up.
  static std::string reaper_of(const sandbox::Sandbox& running) {
    const std::string pid = pid_behind(running.pidfd());
    EXPECT_TRUE(becomes_true([&] { return status_of(pid, "Seccomp") == kFiltered; })) << pid;
    return pid;
  }
  void start_own_server() {
    auto started = ForkServer::start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    own_server_ = std::move(*started);
  }
};

TEST_F(PidOneTest, HasNoCapabilityButToSignal) {
  spec_.capabilities = every_capability();
  const HeldSandbox held = HOLD("exec sleep 1000", Until::kRunning);
  const std::string pid = reaper_of(held.sandbox);
  for (const char* set : {"CapPrm", "CapEff"})
    EXPECT_EQ(status_of(pid, set), "0000000000000020") << set;  // CAP_KILL
  for (const char* set : {"CapInh", "CapAmb"})
    EXPECT_EQ(status_of(pid, set), "0000000000000000") << set;
  EXPECT_EQ(status_of(pid, "NoNewPrivs"), "1");
}

TEST_F(PidOneTest, HasNothingOpenButTheExitPipe) {
  const HeldSandbox held = HOLD("exec sleep 1000", Until::kRunning);
  std::vector<std::string> open;
  for (const auto& entry : fs::directory_iterator("/proc/" + reaper_of(held.sandbox) + "/fd"))
    open.push_back(fs::read_symlink(entry.path()));
  ASSERT_EQ(open.size(), 1U);
  EXPECT_TRUE(open.front().starts_with("pipe:")) << open.front();
}

// The groups of whoever started Stagebox open doors on the host.
TEST_F(PidOneTest, HasNoGroupOfTheHost) {
  if (host_ids_kind() != HostIds::Kind::kRoot) GTEST_SKIP() << "only root can have other groups";
  constexpr gid_t kGroup = 54321;
  ASSERT_EQ(::setgroups(1, &kGroup), 0);
  start_own_server();
  auto held = hold("exec sleep 1000", Until::kRunning);
  ASSERT_EQ(::setgroups(0, nullptr), 0);
  ASSERT_TRUE(held.ok()) << held.error().message;
  const std::string pid = pid_behind(held->sandbox.pidfd());
  ASSERT_EQ(status_of(status_of(pid, "PPid"), "Groups"), "54321 ");
  EXPECT_EQ(status_of(pid, "Groups").find_first_not_of(' '), std::string::npos)
      << status_of(pid, "Groups");
}

// Whatever ends Stagebox, and however suddenly, no sandbox outlives it.
TEST_F(PidOneTest, DiesWithWhatStartedIt) {
  for (const Until until : {Until::kCreated, Until::kRunning}) {
    start_own_server();
    HeldSandbox held = HOLD("trap '' TERM HUP; while :; do sleep 1; done", until);
    const std::string server = status_of(pid_behind(held.sandbox.pidfd()), "PPid");
    ASSERT_EQ(status_of(server, "PPid"), std::to_string(::getpid()));
    ASSERT_EQ(::kill(std::stoi(server), SIGKILL), 0);
    struct pollfd dead{held.sandbox.pidfd(), POLLIN, 0};
    constexpr int kMilliseconds = 10'000;
    EXPECT_EQ(::poll(&dead, 1, kMilliseconds), 1) << "it lives on without its supervisor";
    ASSERT_TRUE(held.sandbox.destroy(sandbox::Sandbox::Removal::kByForce).ok());
    ASSERT_TRUE(held.scratch.destroy().ok());
  }
}

// The sandboxes of one that was killed are dead, and their numbers mean nothing to the next one.
TEST_F(PidOneTest, AServerThatWasKilledIsStartedAgain) {
  start_own_server();
  const auto end = [](HeldSandbox& held) {
    ASSERT_TRUE(held.sandbox.destroy(sandbox::Sandbox::Removal::kByForce).ok());
    ASSERT_TRUE(held.scratch.destroy().ok());
  };
  HeldSandbox first = HOLD("exec sleep 1000", Until::kRunning);
  const std::string server = status_of(pid_behind(first.sandbox.pidfd()), "PPid");
  ASSERT_EQ(::kill(std::stoi(server), SIGKILL), 0);
  end(first);
  HeldSandbox second = HOLD("exec sleep 1000", Until::kRunning);
  EXPECT_NE(status_of(pid_behind(second.sandbox.pidfd()), "PPid"), server);
  const ForkServer::SandboxId of_first{};
  const auto joined = own_server_->join(of_first, {});
  ASSERT_FALSE(joined.ok());
  EXPECT_EQ(joined.error().errno_value, ESRCH) << joined.error().message;
  end(second);
}

TEST_F(PidOneTest, ItsDeathFromOutsideIsNoWordAboutTheStage) {
  on_start_ = [](const sandbox::Sandbox& running) {
    EXPECT_EQ(::kill(std::stoi(pid_behind(running.pidfd())), SIGKILL), 0);
  };
  const auto result = run("exec sleep 1000");
  ASSERT_FALSE(result.ok()) << result->report.describe();
  EXPECT_EQ(result.error().kind, base::ErrorKind::kSystem);
  EXPECT_EQ(
      result.error().message,
      "the sandbox was killed from outside: its pid 1, which nobody inside can kill, is dead");
}

// A machine can be set to let everybody trace his processes after a change of their ids
// (fs.suid_dumpable is 1). Then it is what the clones themselves say that keeps others out.
class TraceableMachineTest : public PidOneTest {
 protected:
  void SetUp() override {
    PidOneTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (host_ids_kind() != HostIds::Kind::kRoot) GTEST_SKIP() << "root alone can set it";
    auto made = SuidDumpable::set("1");
    if (!made.ok()) GTEST_SKIP() << made.error().message;
    setting_.emplace(std::move(*made));
    // An execve(2) of it has to wait for as long as a lease on it (fcntl(2)) is held.
    fs::copy(dir_.path("layer/bin/attack"), dir_.path("layer/bin/program"));
    own_by_sandbox_root("layer");
    (void)::signal(SIGIO, SIG_IGN);
    program_ = base::UniqueFd(::open(dir_.path("layer/bin/program").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::fcntl(program_.get(), F_SETLEASE, F_WRLCK), 0);
    command_.argv = {"/bin/program", "sleeper"};
    command_.workdir = "/";
  }

  // Lets `execute` run until a clone has taken every step but the last, to execute the program.
  void look_at_waiting_clone(const std::function<void()>& execute) {
    std::jthread executing(execute);
    const base::ScopeExit let_go([&] { program_.reset(); });
    std::vector<std::string> waiting;
    ASSERT_TRUE(becomes_true([&] {
      waiting = processes([](const std::string& pid) {
        return status_of(pid, "Name") == "stagebox-fork" &&
               status_of(pid, "Seccomp") == kFiltered &&
               status_of(pid, "CapEff") == "0000000000000000" && descends_from_us(pid);
      });
      return !waiting.empty();
    }));
    ASSERT_EQ(waiting.size(), 1U);
    EXPECT_EQ(owner_of_memory(waiting.front()), 0U) << "it can be traced";
  }

  std::optional<SuidDumpable> setting_;
  base::UniqueFd program_;
  sandbox::Command command_;
};

TEST_F(TraceableMachineTest, PidOneCannotBeLookedInto) {
  // Or it would become undumpable again when it sets the clocks.
  spec_.namespaces.time = sandbox::Sharing::kWithHost;
  spec_.capabilities = every_capability();
  const auto result = ATTACK("other-processes");
  EXPECT_NE(result.output.find("pid 1 lives: 1\n"), std::string::npos) << result.output;
  EXPECT_EQ(result.output.find("ALLOWED"), std::string::npos) << result.output;
  const HeldSandbox held = HOLD("exec sleep 1000", Until::kRunning);
  EXPECT_EQ(owner_of_memory(reaper_of(held.sandbox)), 0U) << "it can be traced";
}

TEST_F(TraceableMachineTest, TheStagesProcessCannotBeLookedIntoBeforeItsExec) {
  spec_.user = {1000, 1000, {}};
  spec_.command.argv = command_.argv;
  look_at_waiting_clone([&] {
    const auto held = hold("", Until::kRunning);
    EXPECT_TRUE(held.ok()) << held.error().message;
  });
}

TEST_F(TraceableMachineTest, AProcessThatJoinsCannotBeLookedIntoBeforeItsExec) {
  const HeldSandbox held = HOLD("exec sleep 1000", Until::kRunning);
  sandbox::ProcessSpec process;
  process.command = command_;
  process.user = {1000, 1000, {}};
  look_at_waiting_clone([&] {
    const auto added = exec(held, process);
    EXPECT_TRUE(added.ok()) << added.error().message;
  });
}

}  // namespace
}  // namespace stagebox::testing
