// The terminal of a stage: it is the sandbox's own, nothing can be typed into it from inside for
// the one outside to read, and no path leads us to another one.
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/base/files.h"
#include "sandbox/kernel/kernel_features.h"
#include "sandbox/kernel/landlock_policy.h"
#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

namespace fs = std::filesystem;
using sandbox::KernelFeatures;
using sandbox::landlock_policy;

// Everything until nobody inside has it open any more (EIO).
std::string read_terminal(const base::UniqueFd& master) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(master.get(), buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  return text;
}

class TerminalTest : public EscapeTest {
 protected:
  void SetUp() override {
    EscapeTest::SetUp();
    spec_.terminal = sandbox::Terminal{10, 20};
  }
  // Everything that a script wrote to its terminal.
  std::string output_of(const std::string& script) {
    auto held = hold(script, Until::kRunning);
    EXPECT_TRUE(held.ok()) << held.error().message;
    if (!held.ok()) return "";
    return read_terminal(held->sandbox.take_terminal());
  }
};

TEST_F(TerminalTest, IsTheSandboxsOwnAndControlsItsSession) {
  EXPECT_EQ(
      output_of("tty; stty size; cut -d' ' -f7 /proc/self/stat; ls -1 /dev/pts; echo x > /dev/tty"),
      "/dev/pts/0\r\n10 20\r\n34816\r\n0\r\nptmx\r\nx\r\n");
}

TEST_F(TerminalTest, BelongsToTheUser) {
  if (host_ids_kind() == sandbox::HostIds::Kind::kSingle) GTEST_SKIP() << "no subordinate ids";
  spec_.user = {1000, 1001, {}};
  EXPECT_EQ(output_of("stat -c '%u %g %a' /dev/pts/0 /dev/console"),
            "1000 1001 620\r\n1000 1001 620\r\n");
}

TEST_F(TerminalTest, NothingCanBeTypedIntoIt) {
  std::string output = output_of("attack terminal | grep -E '^TIOC(STI|LINUX)'");
  std::erase(output, '\r');
  expect_all_refused(output, 6);
}

// CVE-2025-52565 and kin: what the image has there is not looked at.
TEST_F(TerminalTest, LinksOfTheImageLeadNowhere) {
  fs::create_directories(dir_.path("layer/dev"));
  for (const char* name : {"dev/pts", "dev/ptmx", "dev/console"}) replace_by_link(name, canary());
  EXPECT_EQ(output_of("tty"), "/dev/pts/0\r\n");
  fs::remove_all(dir_.path("layer/dev"));
  replace_by_link("dev", canary());
  EXPECT_FALSE(hold("tty", Until::kRunning).ok());
}

// Whoever may mount inside puts something else over /dev/pts before a process with a terminal is
// added.
TEST_F(TerminalTest, AnAddedProcessIsNotFooledByAMountOverIt) {
  auto everything = std::make_shared<sandbox::SeccompProgram>();
  everything->instructions.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  spec_.seccomp = everything;
  spec_.capabilities = every_capability();
  spec_.terminal.reset();
  for (const char* fake :
       {"touch fake/ptmx", "mkfifo fake/ptmx", "ln -s /dev/null fake/ptmx", "mkdir fake/ptmx",
        "touch fake/ptmx; mount --bind /dev/null fake/ptmx"}) {
    auto held = hold(std::string("mkdir fake; ") + fake +
                         "; mount --rbind fake /dev/pts && echo mounted; exec sleep 1000",
                     Until::kRunning);
    ASSERT_TRUE(held.ok()) << held.error().message;
    std::string said;
    for (char c = 0; ::read(held->output.get(), &c, 1) == 1 && c != '\n';) said += c;
    // Whom Landlock holds cannot mount at all (landlock(7)); without it there is the second wall.
    const bool mounted = said == "mounted";
    EXPECT_NE(mounted, landlock_policy(KernelFeatures::probed().landlock_abi).active()) << said;
    sandbox::ProcessSpec process;
    process.command.argv = {"/bin/true"};
    process.terminal = sandbox::Terminal{};
    std::array<base::UniqueFd, 3> stdio;
    for (base::UniqueFd& fd : stdio) fd = base::open_path("/dev/null", O_RDWR).value();
    const auto added = held->sandbox.exec(server(), process, stdio);
    EXPECT_EQ(added.ok(), !mounted) << fake;
    if (!added.ok()) {
      EXPECT_NE(added.error().message.find("terminal"), std::string::npos) << added.error().message;
    }
    ASSERT_TRUE(held->sandbox.destroy(sandbox::Sandbox::Removal::kByForce).ok());
    ASSERT_TRUE(held->scratch.destroy().ok());
  }
}

}  // namespace
}  // namespace stagebox::testing
