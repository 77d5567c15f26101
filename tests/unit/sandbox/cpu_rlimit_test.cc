#include "sandbox/cpu_rlimit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

namespace stagebox::sandbox {
namespace {

constexpr Rlimit kTwoSecondsThenFour{RLIMIT_CPU, 2, 4};

ExitReport ended(ExitCause cause, std::chrono::milliseconds user,
                 std::chrono::milliseconds system) {
  ExitReport report{std::move(cause), {}};
  report.usage.user_cpu = user;
  report.usage.system_cpu = system;
  return report;
}

std::optional<std::uint64_t> likely_seconds(const ExitReport& report,
                                            const Rlimit& limit = kTwoSecondsThenFour) {
  const auto likely = likely_cpu_rlimit(report, limit);
  return likely ? std::optional(likely->limit) : std::nullopt;
}

TEST(CpuRlimit, IsFoundAmongTheOthers) {
  const std::vector<Rlimit> rlimits{{RLIMIT_CORE, 0, 0}, kTwoSecondsThenFour};
  ASSERT_TRUE(cpu_rlimit(rlimits));
  EXPECT_EQ(cpu_rlimit(rlimits)->hard, 4U);
  EXPECT_FALSE(cpu_rlimit(std::span(rlimits).first(1)));
}

TEST(CpuRlimit, IsLikelyWhenItsSignalEndedWhatUsedAsMuch) {
  using std::chrono::milliseconds;
  const milliseconds one(1000);
  const milliseconds some(600);
  EXPECT_EQ(likely_seconds(ended(Signaled{SIGXCPU}, one, some)), 2U);
  EXPECT_EQ(likely_seconds(ended(Signaled{SIGKILL}, 3 * one, some)), 4U);
  // Of a shell that waited for it.
  EXPECT_EQ(likely_seconds(ended(Exited{128 + SIGXCPU, ""}, one, one)), 2U);
  EXPECT_FALSE(likely_seconds(ended(Signaled{SIGXCPU}, one, one / 3)));
  EXPECT_FALSE(likely_seconds(ended(Signaled{SIGKILL}, one, one))) << "SIGKILL is of the hard one";
  EXPECT_FALSE(likely_seconds(ended(Signaled{SIGTERM}, 9 * one, one)));
  EXPECT_FALSE(likely_seconds(ended(Exited{1, ""}, 9 * one, one)));
  EXPECT_FALSE(likely_seconds(ended(Signaled{SIGKILL}, 9 * one, one),
                              {RLIMIT_CPU, 2, std::uint64_t{RLIM_INFINITY}}));
  EXPECT_FALSE(likely_seconds(ended(Signaled{SIGKILL}, one / 2, one / 9), {RLIMIT_CPU, 0, 0}));
}

TEST(CpuRlimit, IsNamedToPeople) {
  ExitReport report{Signaled{SIGXCPU}, {}};
  report.likely_limits = {{LikelyLimit::Which::kProcessCpuTime, 1}};
  EXPECT_EQ(report.describe(),
            "killed by SIGXCPU; likely because of its limit of 1 second of CPU time for each "
            "process (--ulimit cpu)");
}

}  // namespace
}  // namespace stagebox::sandbox
