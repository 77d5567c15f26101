// The kernel's surface: calls that the filter refuses, in every ABI.
#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>

#include "runtime/base/pipe.h"
#include "sandbox/seccomp/seccomp_policy.h"
#include "tests/kernel/escape/escape_fixture.h"
#include "tests/kernel/host_process.h"

namespace stagebox::testing {
namespace {

using SystemCallsTest = EscapeTest;

TEST_F(SystemCallsTest, DangerousCallsAreRefused) {
  expect_all_refused(ATTACK("system-calls").output, 70);
}

// The default filter answers ENOSYS to these only; a kernel that was built without some of the
// others answers it by itself.
bool is_not_there(const std::string& line) {
  constexpr std::array kNames{"clone3", "io_uring_", "statmount", "listmount", "open_tree_attr"};
  return line.ends_with(": refused ENOSYS") &&
         std::ranges::any_of(kNames, [&](const char* name) { return line.starts_with(name); });
}

// The kernel itself answers EPERM to some of them, with or without a filter. A filter whose errno
// is none that the kernel would give shows which of the two it was; the program of the default
// filter is looked at in seccomp_policy_test.cc.
TEST_F(SystemCallsTest, ItIsTheFilterThatRefuses) {
  sandbox::SeccompRules rules = sandbox::default_seccomp_rules();
  rules.default_error = EDOTDOT;
  for (const auto denied : {sandbox::DeniedCalls::kAnswered, sandbox::DeniedCalls::kReported}) {
    spec_.seccomp = sandbox::compile_seccomp(rules, denied).value();
    std::istringstream lines(ATTACK("system-calls EDOTDOT").output);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count)
      EXPECT_TRUE(line.ends_with(": refused EDOTDOT") || is_not_there(line)) << line;
    EXPECT_GE(count, 70U);
  }
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

// What a rule of its own refuses is reported as well, with that rule's errno.
TEST_F(SystemCallsTest, TheReportNamesWhatARuleDenied) {
  sandbox::SeccompRules rules;
  rules.default_action = sandbox::SeccompAction::kAllow;
  rules.rules.push_back({{"mkdir", "mkdirat"}, sandbox::SeccompAction::kError, ENOSPC, {}});
  spec_.seccomp = sandbox::compile_seccomp(rules, sandbox::DeniedCalls::kReported).value();
  const auto result = run("mkdir /tmp/a 2>&1; exit 3");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_NE(result->output.find("No space left on device"), std::string::npos) << result->output;
  ASSERT_EQ(result->report.denied_syscalls.size(), 1U);
  EXPECT_TRUE(result->report.denied_syscalls.front().name.starts_with("mkdir"));
}

// A wait status tells neither which call it was nor whether the filter was it.
TEST_F(SystemCallsTest, SigsysIsReportedAsTheSignalThatItIs) {
  sandbox::SeccompRules rules;
  rules.default_action = sandbox::SeccompAction::kAllow;
  for (const auto action : {sandbox::SeccompAction::kKillProcess, sandbox::SeccompAction::kTrap}) {
    rules.rules = {{{"mkdir", "mkdirat"}, action, 0, {}}};
    spec_.seccomp = sandbox::compile_seccomp(rules, sandbox::DeniedCalls::kAnswered).value();
    const auto killed = run("exec mkdir /tmp/a");
    ASSERT_TRUE(killed.ok()) << killed.error().message;
    EXPECT_EQ(killed->report.describe(),
              "killed by SIGSYS, by the system call filter or by a signal that was sent");
  }
  spec_.seccomp = sandbox::compile_default_policy().value();
  const auto sent = run("kill -SYS $$");
  ASSERT_TRUE(sent.ok()) << sent.error().message;
  const auto* signaled = std::get_if<sandbox::Signaled>(&sent->report.cause);
  ASSERT_NE(signaled, nullptr) << sent->report.describe();
  EXPECT_EQ(signaled->signal, SIGSYS);
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
