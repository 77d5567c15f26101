// Stagebox's own program and memory: pid 1 of a sandbox is a clone of one of its processes.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/kernel/escape/escape_fixture.h"
#include "tests/kernel/host_process.h"

namespace stagebox::testing {
namespace {

using RuntimeBinaryTest = EscapeTest;

// CVE-2019-5736 through /proc/PID/exe.
TEST_F(RuntimeBinaryTest, CannotBeReachedThroughProc) {
  expect_all_refused(ATTACK("runtime-binary").output, 3);
  spec_.capabilities = every_capability();
  expect_all_refused(ATTACK("runtime-binary").output, 3);
}

// The payload of CVE-2019-5736: a script whose interpreter is whatever executes it, which at that
// moment is a clone of our own process.
TEST_F(RuntimeBinaryTest, CannotBeExecutedAsAnInterpreter) {
  std::ofstream(dir_.path("layer/payload")) << "#!/proc/self/exe\n";
  ASSERT_EQ(::chmod(dir_.path("layer/payload").c_str(), 0755), 0);
  own_by_sandbox_root("layer");
  spec_.command.argv = {"/payload"};
  const auto result = run("");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_FALSE(result->report.succeeded());
  EXPECT_EQ(result->output, "");
}

// Whoever gets at it nevertheless cannot change it, and finds nothing of the host mapped by it.
TEST_F(RuntimeBinaryTest, IsASealedCopyWithoutLibraries) {
  std::string exe;
  std::string maps;
  int seals = -1;
  on_start_ = [&](const sandbox::Sandbox& running) {
    const std::string proc = "/proc/" + pid_behind(running.pidfd());
    char target[256]{};
    (void)!::readlink((proc + "/exe").c_str(), target, sizeof(target) - 1);
    exe = target;
    const base::UniqueFd file(::open((proc + "/exe").c_str(), O_RDONLY | O_CLOEXEC));
    seals = ::fcntl(file.get(), F_GET_SEALS);
    std::ostringstream content;
    content << std::ifstream(proc + "/maps").rdbuf();
    maps = content.str();
  };
  const auto result = run("sleep 0.1");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(exe.starts_with("/memfd:")) << exe;
  constexpr int kAll = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  EXPECT_EQ(seals & kAll, kAll);
  EXPECT_EQ(maps.find(".so"), std::string::npos) << maps;
  EXPECT_EQ(maps.find("kernel_tests"), std::string::npos) << maps;
}

TEST_F(RuntimeBinaryTest, PidOneCannotBeLookedIntoOrStopped) {
  const auto result = ATTACK("other-processes");
  std::string refusals = result.output;
  const auto last = refusals.find("pid 1 lives: 1\n");
  ASSERT_NE(last, std::string::npos) << result.output;
  expect_all_refused(refusals.erase(last), 17);
}

TEST_F(RuntimeBinaryTest, PidOneCannotBeLookedIntoByTheMostCapable) {
  spec_.capabilities = every_capability();
  const auto result = ATTACK("other-processes");
  EXPECT_EQ(result.output.find("ALLOWED"), std::string::npos) << result.output;
}

}  // namespace
}  // namespace stagebox::testing
