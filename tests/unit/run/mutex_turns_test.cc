#include "runtime/run/mutex_turns.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using scheduler::StageState;

struct MutexTurnsTest : ::testing::Test {
  testing::TempDir home;
  base::UniqueFd dir{::open(home.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  int undone = 0;
  base::Result<void> undo{base::Result<void>()};
  MutexTurns turns{dir.get(), {}, [this] {
                     ++undone;
                     return undo;
                   }};
  MutexTurns others{dir.get(), {}, [] { return base::Result<void>(); }};

  static scheduler::Stage stage(std::string id, std::vector<std::string> groups) {
    scheduler::Stage result;
    result.id = std::move(id);
    result.mutex = result.mutex_across_runs = std::move(groups);
    return result;
  }
};

TEST_F(MutexTurnsTest, WithoutGroupsAcrossRunsNothingIsAsked) {
  scheduler::Stage inside = stage("s", {});
  inside.mutex = {"deploy"};
  const auto held = others.ask(stage("o", {"deploy"}));
  EXPECT_TRUE(held->locks);
  const auto answer = turns.ask(inside);
  EXPECT_FALSE(answer->locks);
  EXPECT_FALSE(answer->wait);
  EXPECT_EQ(undone, 0);
}

TEST_F(MutexTurnsTest, WhatTheDeadLeftIsUndoneBeforeItsTurn) {
  const auto answer = turns.ask(stage("s", {"deploy"}));
  EXPECT_TRUE(answer->locks);
  EXPECT_EQ(undone, 1);
}

TEST_F(MutexTurnsTest, IsNotItsTurnWhenThatCannotBeUndone) {
  undo = base::corrupt("a note");
  EXPECT_EQ(turns.ask(stage("s", {"deploy"})).error().message, "a note");
  EXPECT_TRUE(others.ask(stage("o", {"deploy"}))->locks) << "it was let go";
}

TEST_F(MutexTurnsTest, WhoWaitsIsToldOnceOfEachGroupAndLooksAgain) {
  auto held = others.ask(stage("o", {"b"}));
  const scheduler::Stage both = stage("s", {"a", "b"});
  EXPECT_FALSE(turns.waits(both));
  std::string told;
  while (told.empty()) {
    const auto answer = turns.ask(both);
    ASSERT_TRUE(answer->wait);
    EXPECT_EQ(answer->wait->state, StageState::kReady);
    EXPECT_GT(answer->wait->retry_in.count(), 0);
    EXPECT_LE(answer->wait->retry_in, std::chrono::milliseconds(500));
    EXPECT_TRUE(turns.waits(both));
    told = answer->wait->detail;
  }
  EXPECT_EQ(told, "another run has the mutex `b`");
  EXPECT_EQ(turns.ask(both)->wait->detail, "") << "once";
  const auto also = others.ask(stage("p", {"a"}));
  EXPECT_EQ(turns.ask(both)->wait->detail, "another run has the mutex `a`");
  EXPECT_EQ(undone, 0);
}

TEST_F(MutexTurnsTest, WaitsNoMoreWhenItHasThem) {
  const scheduler::Stage one = stage("s", {"deploy"});
  {
    const auto held = others.ask(stage("o", {"deploy"}));
    EXPECT_TRUE(turns.ask(one)->wait);
  }
  EXPECT_TRUE(turns.waits(one));
  EXPECT_TRUE(turns.ask(one)->locks);
  EXPECT_FALSE(turns.waits(one));
}

}  // namespace
}  // namespace stagebox::run
