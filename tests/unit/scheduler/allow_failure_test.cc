// Which failures are allowed, and what is said of it.
#include "scheduler/allow_failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/file/parse_pipeline.h"
#include "scheduler/scheduler_state.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::scheduler {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Which = AllowFailure::Which;

const AllowFailure kTwoCodes{Which::kExitCodes, {2, 77}};

StageOutcome ended_by(FailureCause cause, int status = 0, StageState state = StageState::kFailed) {
  return {.state = state, .detail = "it ended", .cause = cause, .exit_status = status};
}

TEST(AllowFailure, OfAllWhatIsTheStagesDoing) {
  const AllowFailure all{Which::kAll, {}};
  for (const auto cause : {FailureCause::kExit, FailureCause::kTimeout, FailureCause::kOom,
                           FailureCause::kService, FailureCause::kOther, FailureCause::kRefused}) {
    EXPECT_TRUE(allows(all, ended_by(cause, 3)));
    EXPECT_FALSE(allows({}, ended_by(cause, 3)));
  }
  EXPECT_FALSE(allows(all, ended_by(FailureCause::kInfrastructure)));
  EXPECT_FALSE(allows(all, ended_by(FailureCause::kRefused, 0, StageState::kError)));
}

TEST(AllowFailure, ByExitCodeNothingElse) {
  EXPECT_TRUE(allows(kTwoCodes, ended_by(FailureCause::kExit, 2)));
  EXPECT_TRUE(allows(kTwoCodes, ended_by(FailureCause::kExit, 77)));
  EXPECT_FALSE(allows(kTwoCodes, ended_by(FailureCause::kExit, 1)));
  EXPECT_FALSE(allows(kTwoCodes, ended_by(FailureCause::kExit, 77, StageState::kError)));
  for (const auto cause :
       {FailureCause::kTimeout, FailureCause::kOom, FailureCause::kService, FailureCause::kOther,
        FailureCause::kRefused, FailureCause::kInfrastructure})
    EXPECT_FALSE(allows(kTwoCodes, ended_by(cause, 77)));
}

TEST(AllowFailure, IsExplained) {
  EXPECT_EQ(why_allowed(kTwoCodes, ended_by(FailureCause::kExit, 77)),
            "; `allow_failure` names exit code 77");
  EXPECT_EQ(why_allowed(kTwoCodes, ended_by(FailureCause::kTimeout)),
            "; `allow_failure` names only exit codes 2, 77");
  EXPECT_EQ(why_allowed({Which::kExitCodes, {5}}, ended_by(FailureCause::kExit, 1)),
            "; `allow_failure` names only exit code 5");
  EXPECT_EQ(why_allowed({Which::kAll, {}}, ended_by(FailureCause::kExit, 1)), "");
  EXPECT_EQ(why_allowed({}, ended_by(FailureCause::kExit, 1)), "");
  AllowFailure many{Which::kExitCodes, {}};
  for (int code = 1; code < 256; ++code) many.exit_codes.insert(code);
  EXPECT_EQ(why_allowed(many, ended_by(FailureCause::kOther)),
            "; `allow_failure` names only exit codes 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...");
}

StageOutcome last_outcome_of(const StageOutcome& end, unsigned attempts = 1) {
  Pipeline pipeline = testing::pipeline("a; b: a");
  pipeline.stages[0].allow_failure = kTwoCodes;
  pipeline.stages[0].retry = {.attempts = attempts, .on = {RetryOn::kFailure}};
  const Plan plan = make_plan(std::move(pipeline)).value();
  SchedulerState state(plan, {.jobs = 1});
  state.begin();
  while (!is_final(state.outcome(0).state)) {
    state.retry(0);
    state.begun(state.take_next().value());
    state.finished(0, end);
  }
  EXPECT_EQ(state.outcome(1).state == StageState::kReady,
            counts_as_success(state.outcome(0).state));
  return state.outcome(0);
}

TEST(AllowFailure, DecidesWhatTheFailureIs) {
  EXPECT_EQ(last_outcome_of(ended_by(FailureCause::kExit, 77)).state, StageState::kAllowedFailure);
  EXPECT_EQ(last_outcome_of(ended_by(FailureCause::kExit, 77)).detail,
            "it ended; `allow_failure` names exit code 77");
  EXPECT_EQ(last_outcome_of(ended_by(FailureCause::kExit, 78)).state, StageState::kFailed);
  EXPECT_EQ(last_outcome_of(ended_by(FailureCause::kTimeout)).state, StageState::kFailed);
  EXPECT_EQ(last_outcome_of(ended_by(FailureCause::kTimeout)).detail,
            "it ended; `allow_failure` names only exit codes 2, 77");
  const StageOutcome ours =
      last_outcome_of(ended_by(FailureCause::kInfrastructure, 77, StageState::kError));
  EXPECT_EQ(ours.state, StageState::kError);
  EXPECT_EQ(ours.detail, "it ended");
}

TEST(AllowFailure, ComesAfterTheLastAttempt) {
  const StageOutcome last = last_outcome_of(ended_by(FailureCause::kExit, 2), 3);
  EXPECT_EQ(last.state, StageState::kAllowedFailure);
  EXPECT_EQ(last.attempt, 3U);
  EXPECT_EQ(last.detail, "it ended; `allow_failure` names exit code 2");
}

std::variant<Pipeline, Diagnostics> parsed_allow_failure(const std::string& stage,
                                                         const std::string& head = "") {
  return parse_pipeline("f",
                        "stagebox: 1\nimages: {i: {name: i}}\ndefaults: {image: i" + head +
                            "}\nstages: {s: {run: a, " + stage + "}}\n",
                        {});
}

AllowFailure read_allowed(const std::string& value) {
  const auto result = parsed_allow_failure("allow_failure: " + value);
  EXPECT_TRUE(std::holds_alternative<Pipeline>(result)) << value;
  return std::get<Pipeline>(result).stages.front().allow_failure;
}

std::string allow_failure_mistakes(const std::string& value) {
  return std::get<Diagnostics>(parsed_allow_failure("allow_failure: " + value)).render();
}

TEST(AllowFailure, IsRead) {
  EXPECT_EQ(read_allowed("true"), (AllowFailure{Which::kAll, {}}));
  EXPECT_EQ(read_allowed("false"), AllowFailure());
  EXPECT_EQ(read_allowed("{exit_codes: 77}"), (AllowFailure{Which::kExitCodes, {77}}));
  EXPECT_EQ(read_allowed("{exit_codes: [77, 2, \"77\", 255]}"),
            (AllowFailure{Which::kExitCodes, {2, 77, 255}}));
  // Nothing of the default is left in the stage's own.
  const auto merged =
      parsed_allow_failure("allow_failure: {exit_codes: 2}", ", allow_failure: {exit_codes: 3}");
  EXPECT_EQ(std::get<Pipeline>(merged).stages.front().allow_failure,
            (AllowFailure{Which::kExitCodes, {2}}));
  const auto inherited = parsed_allow_failure("salt: x", ", allow_failure: {exit_codes: 3}");
  EXPECT_EQ(std::get<Pipeline>(inherited).stages.front().allow_failure,
            (AllowFailure{Which::kExitCodes, {3}}));
}

TEST(AllowFailure, MistakesHaveAPlace) {
  EXPECT_THAT(allow_failure_mistakes("[2]"),
              AllOf(HasSubstr("f:4:37: `allow_failure` must be true, false or a "
                              "mapping with `exit_codes`, found a list"),
                    HasSubstr("{exit_codes: [77]}")));
  EXPECT_THAT(allow_failure_mistakes("{}"),
              HasSubstr("f:4:37: `allow_failure` has no `exit_codes`"));
  EXPECT_THAT(allow_failure_mistakes("{exit_codes: []}"),
              HasSubstr("f:4:50: `exit_codes` names nothing"));
  EXPECT_THAT(allow_failure_mistakes("{exit_codes: [1, 0]}"),
              HasSubstr("f:4:54: each of the `exit_codes` must be"));
  EXPECT_THAT(allow_failure_mistakes("{exit_codes: 256}"), HasSubstr("from 1 to 255"));
  EXPECT_THAT(allow_failure_mistakes("{exit_codes: 1, exit_status: 2}"),
              HasSubstr("f:4:53: unknown key `exit_status` in `allow_failure`"));
  EXPECT_THAT(allow_failure_mistakes("{exit_status: 2}"), HasSubstr("did you mean `exit_codes`?"));
}

}  // namespace
}  // namespace stagebox::scheduler
