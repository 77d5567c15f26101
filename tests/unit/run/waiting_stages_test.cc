#include "runtime/run/waiting_stages.h"

#include <gtest/gtest.h>

namespace stagebox::run {
namespace {

using scheduler::StageState;
using std::chrono::milliseconds;
using std::chrono::seconds;

// However long this test is held up.
constexpr std::chrono::hours kNotYet{-1};

WaitingStage since(std::chrono::milliseconds ago) {
  WaitingStage waiting;
  waiting.verdict = CacheVerdict::kExpired;
  waiting.verdict_detail = "too old";
  waiting.since = std::chrono::steady_clock::now() - ago;
  return waiting;
}

TEST(WaitingStages, WhatIsPutOffIsThereOnce) {
  WaitingStages stages;
  EXPECT_FALSE(stages.take("a"));
  stages.put_off("a", since(kNotYet));
  EXPECT_FALSE(stages.take("b"));
  const auto waiting = stages.take("a");
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->verdict, CacheVerdict::kExpired);
  EXPECT_EQ(waiting->verdict_detail, "too old");
  EXPECT_FALSE(stages.take("a"));
}

TEST(WaitingStages, TheLongerTheyWaitTheSeldomerTheyLook) {
  WaitingStages stages;
  EXPECT_EQ(stages.put_off("a", since(kNotYet)).retry_in, milliseconds(10));
  const auto pause = stages.put_off("a", since(seconds(2))).retry_in;
  EXPECT_GE(pause, milliseconds(250));
  EXPECT_EQ(stages.put_off("a", since(seconds(100))).retry_in, milliseconds(500));
}

TEST(WaitingStages, OnlyALongWaitIsToldAndOnlyOnce) {
  WaitingStages stages;
  const auto first = stages.put_off("a", since(kNotYet));
  EXPECT_EQ(first.state, StageState::kReady);
  EXPECT_EQ(first.detail, "");
  EXPECT_NE(stages.put_off("a", since(seconds(1))).detail, "");
  auto waiting = stages.take("a");
  ASSERT_TRUE(waiting);
  EXPECT_TRUE(waiting->told);
  EXPECT_EQ(stages.put_off("a", *std::move(waiting)).detail, "");
}

}  // namespace
}  // namespace stagebox::run
