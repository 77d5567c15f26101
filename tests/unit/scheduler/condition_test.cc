#include "scheduler/condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace stagebox::scheduler {
namespace {

using ::testing::HasSubstr;

class ConditionTest : public ::testing::Test {
 protected:
  std::variant<std::optional<bool>, ExpressionMistake> evaluate(std::string_view text) {
    const ExpressionValues values(params_, budget_, EnvUse::kStage, &env_, {&matrix_, false});
    return evaluate_condition(text, values);
  }
  void expect(std::string_view text, bool wanted) {
    const auto result = evaluate(text);
    const auto* value = std::get_if<std::optional<bool>>(&result);
    ASSERT_NE(value, nullptr) << text << ": " << std::get<ExpressionMistake>(result).message;
    EXPECT_EQ(*value, wanted) << text;
  }
  void expect_mistake(std::string_view text, const std::string& words, std::size_t offset) {
    const auto result = evaluate(text);
    const auto* mistake = std::get_if<ExpressionMistake>(&result);
    ASSERT_NE(mistake, nullptr) << text;
    EXPECT_THAT(mistake->message, HasSubstr(words)) << text;
    EXPECT_EQ(mistake->offset, offset) << text;
  }

  NamedValues params_{{"type", "Release"}, {"yes", "true"}, {"empty", ""}, {"wrong", std::nullopt}};
  NamedValues env_{{"CI", "1"}};
  NamedValues matrix_{{"os", "old"}};
  ExpansionBudget budget_;
};

TEST_F(ConditionTest, ComparesTexts) {
  expect("params.type == 'Release'", true);
  expect("params.type == \"release\"", false);
  expect("params.type != 'Debug'", true);
  expect("params.empty == ''", true);
  expect("env.CI == 1", true);
  expect("matrix.os=='old'", true);
  expect("'a && b' == 'a && b'", true);
}

TEST_F(ConditionTest, AndBindsTighterThanOrAndNotTightest) {
  expect("true || true && false", true);
  expect("(true || true) && false", false);
  expect("!false && false", false);
  expect("!(false && false)", true);
  expect("!!params.yes", true);
  expect("!params.type == 'x'", true);
}

TEST_F(ConditionTest, MayStandInBraces) { expect("${{ params.yes }}", true); }

TEST_F(ConditionTest, WhatIsWrongAlreadyIsNotDecided) {
  for (const char* text : {"params.wrong == 'x'", "!params.wrong", "true || params.wrong"}) {
    const auto result = evaluate(text);
    ASSERT_EQ(result.index(), 0U) << text;
    EXPECT_EQ(std::get<0>(result), std::nullopt) << text;
  }
}

TEST_F(ConditionTest, MistakesHaveAPlace) {
  expect_mistake("", "lacks a value", 0);
  expect_mistake("params.type ==", "at its end", 14);
  expect_mistake("params.type", "neither true nor false", 11);
  expect_mistake("(true", "closing parenthesis", 5);
  expect_mistake("true true", "cannot read", 5);
  expect_mistake("'open", "not closed", 1);
  expect_mistake("params.typo == 'x'", "unknown parameter `typo`", 11);
  expect_mistake("secrets.x == 'x'", "not supported", 9);
  expect_mistake("true = false", "cannot read", 5);
}

TEST_F(ConditionTest, DepthIsBounded) {
  expect_mistake(std::string(100'000, '('), "nested too deeply", 50);
  expect_mistake(std::string(100'000, '!'), "nested too deeply", 50);
}

}  // namespace
}  // namespace stagebox::scheduler
