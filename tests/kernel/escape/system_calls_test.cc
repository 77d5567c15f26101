// The kernel's surface: calls that the filter refuses, in every ABI.
#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

using SystemCallsTest = EscapeTest;

TEST_F(SystemCallsTest, DangerousCallsAreRefused) {
  expect_all_refused(ATTACK("system-calls").output, 60);
}

// With every capability of its user namespace the stage gets no further.
TEST_F(SystemCallsTest, DangerousCallsAreRefusedToTheMostCapable) {
  spec_.capabilities = (std::uint64_t{1} << 41) - 1;
  expect_all_refused(ATTACK("system-calls").output, 60);
}

TEST_F(SystemCallsTest, OtherAbisKill) {
#if defined(__x86_64__)
  expect_all_refused(ATTACK("foreign-abi").output, 8);
#else
  GTEST_SKIP() << "this architecture has one ABI";
#endif
}

TEST_F(SystemCallsTest, TheReportNamesAForeignAbi) {
#if defined(__x86_64__)
  // The shell has no process of its own to report: the stage's first process is the attacker.
  const auto result = run("attack foreign-abi >/dev/null; exit 0");
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->report.succeeded());
#endif
}

}  // namespace
}  // namespace stagebox::testing
