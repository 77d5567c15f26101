// The kernel's surface: calls that the filter refuses, in every ABI.
#include "runtime/base/pipe.h"
#include "sandbox/seccomp_policy.h"
#include "tests/kernel/escape/escape_fixture.h"
#include "tests/kernel/host_process.h"

namespace stagebox::testing {
namespace {

using SystemCallsTest = EscapeTest;

TEST_F(SystemCallsTest, DangerousCallsAreRefused) {
  expect_all_refused(ATTACK("system-calls").output, 70);
}

// With every capability of its user namespace the stage gets no further.
TEST_F(SystemCallsTest, DangerousCallsAreRefusedToTheMostCapable) {
  spec_.capabilities = every_capability();
  expect_all_refused(ATTACK("system-calls").output, 70);
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
  expect_all_refused(ATTACK("system-calls").output, 70);
  expect_all_refused(ATTACK("foreign-abi").output, 8);
}

// Whoever took pid 1 over could only wait, signal and end.
TEST_F(SystemCallsTest, PidOneHasAFilterOfItsOwn) {
  std::string pid;
  std::string no_new_privileges;
  auto go = base::make_pipe();
  ASSERT_TRUE(go.ok());
  stdin_ = std::move(go->read_end);
  on_start_ = [&](const sandbox::Sandbox& running) {
    pid = pid_behind(running.pidfd());
    // It becomes the reaper beside the stage.
    EXPECT_TRUE(becomes_true([&] { return status_of(pid, "Seccomp") == "2"; })) << pid;
    no_new_privileges = status_of(pid, "NoNewPrivs");
    go->write_end.reset();
  };
  const auto result = run("read go; exit 5");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->report.shell_status(), 5) << "the filter lets it do its work";
  EXPECT_EQ(no_new_privileges, "1");
}

}  // namespace
}  // namespace stagebox::testing
