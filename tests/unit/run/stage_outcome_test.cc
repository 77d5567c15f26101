// Infrastructure failure is told apart from stage failure.
#include "runtime/run/stage_outcome.h"

#include <gtest/gtest.h>

#include "sandbox/fork_server/helper.h"

namespace stagebox::run {
namespace {

using scheduler::FailureCause;
using scheduler::StageState;

scheduler::StageOutcome of(sandbox::ExitCause cause) {
  return outcome_of(sandbox::ExitReport{.cause = std::move(cause), .usage = {}});
}

TEST(StageOutcome, WhatTheStageDidIsItsFailure) {
  const auto exited = of(sandbox::Exited{75, ""});
  EXPECT_EQ(exited.state, StageState::kFailed);
  EXPECT_EQ(exited.cause, FailureCause::kExit);
  EXPECT_EQ(exited.exit_status, 75);
  EXPECT_EQ(exited.detail, "exited with status 75");
  EXPECT_EQ(of(sandbox::TimedOut{}).cause, FailureCause::kTimeout);
  EXPECT_EQ(of(sandbox::OomKilled{1U << 20U}).cause, FailureCause::kOom);
  EXPECT_EQ(of(sandbox::Signaled{11}).cause, FailureCause::kOther);
  const auto disk = of(sandbox::LimitHit{sandbox::LimitHit::Which::kHostDisk, 1});
  EXPECT_EQ(disk.state, StageState::kFailed);
  EXPECT_EQ(disk.cause, FailureCause::kOther);
}

// So `retry: {on: [exit:75]}` holds for it too.
TEST(StageOutcome, ALimitThatKilledNobodyLeavesTheStatus) {
  const auto full = of(sandbox::LimitHit{sandbox::LimitHit::Which::kDisk, 1, 75 << 8});
  EXPECT_EQ(full.state, StageState::kFailed);
  EXPECT_EQ(full.cause, FailureCause::kExit);
  EXPECT_EQ(full.exit_status, 75);
  EXPECT_EQ(of(sandbox::LimitHit{sandbox::LimitHit::Which::kDisk, 1, 11}).cause,
            FailureCause::kOther);
}

// It was the stage that wrote it.
TEST(StageOutcome, WhatTheLogMakesLikelyDecidesNothing) {
  const auto told = outcome_of(sandbox::ExitReport{
      .cause = sandbox::Exited{75, ""}, .usage = {}, .likely_limits = {{.limit = 64}}});
  EXPECT_EQ(told.state, StageState::kFailed);
  EXPECT_EQ(told.cause, FailureCause::kExit);
  EXPECT_EQ(told.exit_status, 75);
}

TEST(StageOutcome, WhatTheMachineDidIsInfrastructure) {
  const auto oom = of(sandbox::OomKilled{0});
  EXPECT_EQ(oom.state, StageState::kError);
  EXPECT_EQ(oom.cause, FailureCause::kInfrastructure);
  const auto disk = of(sandbox::LimitHit{sandbox::LimitHit::Which::kHostDiskFull, 1});
  EXPECT_EQ(disk.state, StageState::kError);
  EXPECT_EQ(disk.cause, FailureCause::kInfrastructure);
  const auto system = outcome_of(base::system_error("clone", 11));
  EXPECT_EQ(system.state, StageState::kError);
  EXPECT_EQ(system.cause, FailureCause::kInfrastructure);
}

TEST(StageOutcome, AShortageOfTheMachineIsInfrastructureWhereverItIsMet) {
  base::Error error = base::unsupported("set up the sandbox: write /etc/hosts");
  EXPECT_EQ(outcome_of(error).cause, FailureCause::kRefused);
  error.errno_value = 28;  // ENOSPC
  EXPECT_EQ(outcome_of(error).cause, FailureCause::kInfrastructure);
}

TEST(StageOutcome, WhatWillBeTheSameTheNextTimeIsRefused) {
  for (const auto& error : {base::not_found("x"), base::unsupported("x"), base::corrupt("x")}) {
    EXPECT_EQ(outcome_of(error).state, StageState::kError);
    EXPECT_EQ(outcome_of(error).cause, FailureCause::kRefused);
  }
}

TEST(StageOutcome, WithoutAHelperThatIsNotStartedAgainNothingIsTriedAgain) {
  const auto outcome = outcome_of(sandbox::helper_gone("reads reports"));
  EXPECT_EQ(outcome.state, StageState::kError);
  EXPECT_EQ(outcome.cause, FailureCause::kRefused);
  EXPECT_EQ(outcome.detail,
            "the process of Stagebox that reads reports was killed; start the command again");
}

TEST(StageOutcome, WhatTheUserGaveIsTheStagesFailure) {
  EXPECT_EQ(outcome_of(base::invalid("x")).state, StageState::kFailed);
  EXPECT_EQ(outcome_of(base::invalid("x")).cause, FailureCause::kRefused);
}

TEST(StageOutcome, AnInterruptionIsNoFailure) {
  EXPECT_EQ(of(sandbox::Cancelled{}).state, StageState::kCancelled);
  EXPECT_EQ(outcome_of(base::cancelled("x")).state, StageState::kCancelled);
  EXPECT_EQ(of(sandbox::Cancelled{}).cause, FailureCause::kNone);
}

}  // namespace
}  // namespace stagebox::run
