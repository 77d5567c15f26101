// The kernel's surface: calls that the filter refuses, in every ABI.
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "sandbox/seccomp_policy.h"
#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

using SystemCallsTest = EscapeTest;

TEST_F(SystemCallsTest, DangerousCallsAreRefused) {
  expect_all_refused(ATTACK("system-calls").output, 60);
}

// With every capability of its user namespace the stage gets no further.
TEST_F(SystemCallsTest, DangerousCallsAreRefusedToTheMostCapable) {
  spec_.capabilities = every_capability();
  expect_all_refused(ATTACK("system-calls").output, 60);
}

TEST_F(SystemCallsTest, OtherAbisKill) {
#if defined(__x86_64__)
  expect_all_refused(ATTACK("foreign-abi").output, 8);
#else
  GTEST_SKIP() << "this architecture has one ABI";
#endif
}

// A filter that reports answers the same, and the report names what was denied.
TEST_F(SystemCallsTest, TheReportNamesWhatWasDenied) {
  spec_.seccomp =
      sandbox::compile_seccomp(sandbox::default_seccomp_rules(), sandbox::DeniedCalls::kReported)
          .value();
  const auto result =
      run("mount -t tmpfs none /tmp 2>/dev/null; unshare -n true 2>/dev/null; exit 3");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->report.shell_status(), 3);
  std::string names;
  for (const auto& denied : result->report.denied_syscalls) names += denied.name + " ";
  EXPECT_NE(names.find("mount "), std::string::npos) << names;
  EXPECT_NE(names.find("unshare "), std::string::npos) << names;
  EXPECT_NE(result->report.describe().find("not allowed: "), std::string::npos)
      << result->report.describe();
}

TEST_F(SystemCallsTest, AReportingFilterRefusesTheSame) {
  spec_.seccomp =
      sandbox::compile_seccomp(sandbox::default_seccomp_rules(), sandbox::DeniedCalls::kReported)
          .value();
  expect_all_refused(ATTACK("system-calls").output, 60);
  expect_all_refused(ATTACK("foreign-abi").output, 8);
}

// Whoever took pid 1 over could only wait, signal and end.
TEST_F(SystemCallsTest, PidOneHasAFilterOfItsOwn) {
  std::string status;
  on_start_ = [&](const sandbox::Sandbox& running) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(running.pidfd()));
    std::string line;
    while (std::getline(info, line) && !line.starts_with("Pid:")) {
    }
    const std::string pid = line.substr(line.find_last_of(" \t") + 1);
    // It becomes the reaper beside the stage; polled for.
    for (int i = 0; i < 1000 && status.find("Seccomp:\t2") == std::string::npos; ++i) {
      std::ostringstream text;
      text << std::ifstream("/proc/" + pid + "/status").rdbuf();
      status = text.str();
      ::usleep(1000);
    }
  };
  const auto result = run("sleep 0.3; exit 5");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->report.shell_status(), 5) << "the filter lets it do its work";
  EXPECT_NE(status.find("Seccomp:\t2"), std::string::npos) << status;
  EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos) << status;
}

}  // namespace
}  // namespace stagebox::testing
