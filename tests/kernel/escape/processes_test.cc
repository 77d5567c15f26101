// Processes that do not want to end, and processes that dump their memory.
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/base/pipe.h"
#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

using sandbox::Signaled;
using sandbox::TimedOut;

// How many processes of this machine are called `marker`, or are the script of this name.
int count_processes(const std::string& marker) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    std::ostringstream line;
    line << file.rdbuf();
    const std::string text = line.str();
    if (text.starts_with(marker) || text.find("/bin/" + marker) != std::string::npos) ++count;
  }
  return count;
}

class ProcessesTest : public EscapeTest {
 protected:
  void SetUp() override {
    EscapeTest::SetUp();
    marker_ = "stagebox-marker-" + std::to_string(::getpid());
  }
  // A bomb is the machine's where nothing bounds it.
  bool bound_processes() {
    if (!sandbox::CgroupTree::discover("probe")->has(sandbox::Controller::kPids)) return false;
    spec_.limits.pids = 200;
    return true;
  }
  // The stage can read a line when eight processes with the marker have been seen: the attack needs
  // some time to make them.
  void let_it_read_when_seen() {
    auto go = base::make_pipe();
    ASSERT_TRUE(go.ok());
    stdin_ = std::move(go->read_end);
    go_ = std::move(go->write_end);
    on_start_ = [this](const sandbox::Sandbox& /*running*/) {
      for (int i = 0; i < 5000 && seen_ < 8; ++i) {
        seen_ = count_processes(marker_);
        ::usleep(2000);
      }
      (void)!::write(go_.get(), "\n", 1);
    };
  }

  std::string marker_;
  base::UniqueFd go_;
  int seen_ = 0;
};

TEST_F(ProcessesTest, DaemonsDieWithTheStage) {
  let_it_read_when_seen();
  const auto result = run("attack daemons " + marker_ + "; read nothing < /dev/zero & read go");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_GE(seen_, 8);
  EXPECT_EQ(count_processes(marker_), 0);
}

TEST_F(ProcessesTest, DaemonsThatIgnoreEverySignalDieAfterTheGraceTime) {
  supervision_.timeout = std::chrono::milliseconds(500);
  const auto result =
      run("trap '' TERM HUP INT; attack daemons " + marker_ + "; while :; do sleep 1; done");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(std::holds_alternative<TimedOut>(result->report.cause)) << result->report.describe();
  EXPECT_EQ(count_processes(marker_), 0);
}

TEST_F(ProcessesTest, AThreadBombDies) {
  if (!bound_processes()) GTEST_SKIP() << "no pids controller";
  supervision_.timeout = std::chrono::milliseconds(700);
  supervision_.grace = std::chrono::milliseconds(0);
  Tasks seen;
  on_start_ = [&](const sandbox::Sandbox& /*running*/) { seen = tasks_when_refused(); };
  const auto result = run("exec attack thread-bomb");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(std::holds_alternative<TimedOut>(result->report.cause)) << result->report.describe();
  EXPECT_GT(seen.refused, 0U) << "the limit was not reached";
  EXPECT_LE(seen.now, 200U);
  EXPECT_GE(seen.now, 190U) << "threads count";
  EXPECT_EQ(tasks().now, 0U);
}

TEST_F(ProcessesTest, AForkBombThatOutlivesTheStageDies) {
  if (!bound_processes()) GTEST_SKIP() << "no pids controller";
  std::ofstream(dir_.path("layer/bin/" + marker_))
      << "#!/bin/sh\ntrap '' TERM; while :; do setsid /bin/" + marker_ + " & done\n";
  ASSERT_EQ(::chmod(dir_.path("layer/bin/" + marker_).c_str(), 0755), 0);
  own_by_sandbox_root("layer");
  let_it_read_when_seen();
  Tasks counted;
  on_start_ = [&, let_go = on_start_](const sandbox::Sandbox& running) {
    counted = tasks_when_refused();
    let_go(running);
  };
  // Standard input is /dev/null for what runs in the background.
  const auto result = run(marker_ + " & read go; exit 0");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_GT(counted.refused, 0U) << "the limit was not reached";
  EXPECT_LE(counted.now, 200U);
  EXPECT_EQ(tasks().now, 0U);
  EXPECT_GE(seen_, 8);
  EXPECT_EQ(count_processes(marker_), 0);
}

// A core file would carry a stage's memory, or run the host's core handler as the host's root.
TEST_F(ProcessesTest, NoCoreIsDumped) {
  spec_.rlimits = {{4 /* RLIMIT_CORE */, 0}};
  const auto result = run("attack crash; echo status $?; ls core* 2>/dev/null");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_NE(result->output.find("raise RLIMIT_CORE: refused EPERM"), std::string::npos)
      << result->output;
  EXPECT_NE(result->output.find("status 134"), std::string::npos) << result->output;
  EXPECT_EQ(result->output.find("core dumped"), std::string::npos) << result->output;
  EXPECT_EQ(workspace_listing_, "");
}

}  // namespace
}  // namespace stagebox::testing
