#include "runtime/cli/live_board.h"

#include <gmock/gmock.h>

#include "runtime/cli/text_width.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::cli {
namespace {

using scheduler::StageState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

struct LiveBoardTest : ::testing::Test {
  scheduler::Plan plan = scheduler::testing::plan("a; b; c: a, b; d: c");
  LiveBoard::Time time{};
  LiveBoard board{plan, 2, time};

  void tell(std::size_t stage, StageState state, unsigned attempt = 1) {
    board.on_stage(plan.stages()[stage], {state, "", {}, 0, attempt}, time);
  }
  std::vector<std::string> lines(BoardSize size = {}, Colour colour = Colour::kNo) {
    return board.lines(time, size, colour);
  }
};

TEST_F(LiveBoardTest, WhatRunsIsShownTheOldestFirstAndTotalsLast) {
  tell(1, StageState::kRunning);
  time += seconds(3);
  tell(0, StageState::kRunning);
  time += seconds(62);
  EXPECT_THAT(lines(), ElementsAre("  b  1m05s", "  a  1m02s", "0/4 done, 2 running, 1m05s"));
  tell(0, StageState::kCached);
  tell(1, StageState::kFailed);
  EXPECT_THAT(lines(), ElementsAre("2/4 done, 1 cached, 1 failed, 0 running, 1m05s"));
  EXPECT_THAT(lines({}, Colour::kYes).at(0), HasSubstr("\x1b[1;31m1 failed\x1b[0m"));
}

TEST_F(LiveBoardTest, RetriesAreOneStage) {
  tell(0, StageState::kRunning);
  tell(0, StageState::kRetrying);
  EXPECT_THAT(lines().at(0), HasSubstr("a  waits for its next attempt"));
  tell(0, StageState::kRunning, 2);
  EXPECT_THAT(lines().at(0), HasSubstr("a (attempt 2)  0s"));
  tell(0, StageState::kSucceeded, 2);
  EXPECT_THAT(lines().at(0), HasSubstr("1/4 done"));
}

TEST_F(LiveBoardTest, WhatIsLeftIsTheLongestWayOrTheWorkOfAllSlots) {
  board.set_estimates({seconds(10), seconds(30), seconds(5), seconds(5)});
  EXPECT_THAT(lines().back(), EndsWith(", about 40s left"));
  tell(1, StageState::kRunning);
  EXPECT_THAT(lines().at(0), EndsWith("0s of about 30s"));
  time += seconds(20);
  EXPECT_THAT(lines().back(), EndsWith(", about 20s left"));
  time += seconds(3600);
  EXPECT_THAT(lines().back(), EndsWith(", about 20s left")) << "a takes 10 s and two follow";
  board.set_estimates({seconds(100), seconds(3680), seconds(1), seconds(1)});
  EXPECT_THAT(lines().back(), EndsWith(", about 1m42s left"));
  board.set_estimates({seconds(10), std::nullopt, seconds(5), seconds(5)});
  EXPECT_THAT(lines().back(), EndsWith(", more than 20s left")) << "b has never run";
  board.set_estimates({std::nullopt, std::nullopt, std::nullopt, std::nullopt});
  EXPECT_THAT(lines().back(), Not(HasSubstr("left")));
}

TEST_F(LiveBoardTest, WhatAStageWaitsForIsShown) {
  board.on_stage(plan.stages()[0], {StageState::kReady, "it is \x1bmade elsewhere"}, time);
  EXPECT_EQ(lines().at(0), "  a  waits: it is \\u{1b}made elsewhere");
  tell(0, StageState::kCached);
  EXPECT_THAT(lines(), ElementsAre("1/4 done, 1 cached, 0 running, 0s"));
}

TEST_F(LiveBoardTest, ItTakesHalfOfTheWindowAtMost) {
  const scheduler::Plan many = scheduler::testing::plan("a; b; c; d; e; f");
  LiveBoard busy(many, 6, time);
  for (const auto& stage : many.stages()) busy.on_stage(stage, {StageState::kRunning}, time);
  EXPECT_THAT(busy.lines(time, {80, 8}, Colour::kNo),
              ElementsAre("  a  0s", "  b  0s", "  and 4 more", "0/6 done, 6 running, 0s"));
  EXPECT_EQ(busy.lines(time, {80, 1}, Colour::kNo).size(), 2U);
  for (const std::string& line : busy.lines(time, {9, 8}, Colour::kYes))
    EXPECT_EQ(fit(line, 9), line) << "no line is wider than the window";
}

TEST_F(LiveBoardTest, TheLastLineStandsBehindWhereThereIsRoom) {
  tell(0, StageState::kRunning);
  std::string said = "compiling a.c";
  board.on_output(plan.stages()[0], [&said] { return said; });
  board.on_output(plan.stages()[1], [] { return "it does not run"; });
  EXPECT_THAT(lines().at(0), "  a  0s  | compiling a.c");
  EXPECT_THAT(lines({}, Colour::kYes).at(0), "  a  0s\x1b[2m  | compiling a.c\x1b[0m");
  said = "linking";
  EXPECT_THAT(lines({22, 24}).at(0), "  a  0s  | linking");
  EXPECT_THAT(lines({20, 24}).at(0), "  a  0s") << "less would say nothing";
  said = std::string(500, 'x') + "\xe6\x96\x87";
  for (std::size_t columns = 1; columns < 600; ++columns)
    EXPECT_LE(columns_of(lines({columns, 24}, Colour::kYes).at(0)), columns);
  said = "";
  EXPECT_THAT(lines().at(0), "  a  0s");
  tell(0, StageState::kRetrying);
  said = "of the attempt before";
  EXPECT_THAT(lines().at(0), Not(HasSubstr("before")));
  tell(0, StageState::kRunning, 2);
  EXPECT_THAT(lines().at(0), Not(HasSubstr("before"))) << "it has written nothing yet";
}

TEST(Fit, CutsBetweenCharactersAndSaysSo) {
  EXPECT_EQ(fit("abc", 3), "abc");
  EXPECT_EQ(fit("abcd", 3), "ab\xe2\x80\xa6");
  EXPECT_EQ(fit("\xc3\xa4\xc3\xb6\xc3\xbc", 3), "\xc3\xa4\xc3\xb6\xc3\xbc");
  EXPECT_EQ(fit("\xc3\xa4\xc3\xb6\xc3\xbcx", 3), "\xc3\xa4\xc3\xb6\xe2\x80\xa6");
  EXPECT_EQ(fit("\xff\xff\xff\xff", 2), "\xff\xe2\x80\xa6");
  EXPECT_EQ(fit("abc", 1), "\xe2\x80\xa6");
  EXPECT_EQ(fit("abc", 0), "");
  EXPECT_EQ(fit("", 0), "");
}

}  // namespace
}  // namespace stagebox::cli
