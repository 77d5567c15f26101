#include "scheduler/condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace stagebox::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

class ConditionTest : public ::testing::Test {
 protected:
  using Result = std::variant<std::optional<bool>, std::vector<ExpressionMistake>>;

  Result evaluate(std::string_view text) {
    const ExpressionValues values(params_, budget_, EnvUse::kStage, &env_, {&matrix_, false});
    return evaluate_condition(text, values);
  }
  void expect(std::string_view text, bool wanted) {
    const auto result = evaluate(text);
    const auto* value = std::get_if<std::optional<bool>>(&result);
    ASSERT_NE(value, nullptr) << text << ": " << std::get<1>(result).front().message;
    EXPECT_EQ(*value, wanted) << text;
  }
  void expect_mistake(std::string_view text, const std::string& words, std::size_t offset) {
    const auto result = evaluate(text);
    const auto* mistakes = std::get_if<std::vector<ExpressionMistake>>(&result);
    ASSERT_NE(mistakes, nullptr) << text;
    ASSERT_EQ(mistakes->size(), 1U) << text;
    EXPECT_THAT(mistakes->front().message, HasSubstr(words)) << text;
    EXPECT_EQ(mistakes->front().offset, offset) << text;
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
  expect_mistake("params.type", "neither true nor false", 0);
  expect_mistake("(true", "closing parenthesis", 5);
  expect_mistake("true true", "cannot read", 5);
  expect_mistake("'open", "not closed", 1);
  expect_mistake("params.typo == 'x'", "unknown parameter `typo`", 0);
  expect_mistake("${{ params.typo == 'x' }}", "unknown parameter `typo`", 4);
  expect_mistake("${{ true true }}", "cannot read the condition from `true ` on", 9);
  expect_mistake("secrets.x == 'x'", "not supported", 0);
  expect_mistake("true = false", "`=` compares nothing", 5);
  expect_mistake("${{ true }} == ${{ params.type }}", "do not stand in `${{ }}`", 9);
  expect_mistake("params.type == ${{ params.type }}", "do not stand in `${{ }}`", 15);
}

TEST_F(ConditionTest, EachWrongValueIsToldAndWhatCannotBeRead) {
  const auto result = evaluate("params.typo == env.x || !matrix.y && params.type &&");
  const auto* mistakes = std::get_if<std::vector<ExpressionMistake>>(&result);
  ASSERT_NE(mistakes, nullptr);
  EXPECT_THAT(
      *mistakes,
      ElementsAre(Field(&ExpressionMistake::offset, 0), Field(&ExpressionMistake::offset, 15),
                  Field(&ExpressionMistake::offset, 25), Field(&ExpressionMistake::offset, 37),
                  Field(&ExpressionMistake::offset, 51)));
  // What follows something that cannot be read is not looked at.
  expect_mistake("on && params.typo", "cannot read the expression `on`", 0);
  expect_mistake("the main branch", "cannot read the expression `the`", 0);
}

TEST_F(ConditionTest, TheNumberOfMistakesIsBounded) {
  std::string text = "params.typo";
  for (int i = 0; i < 50; ++i) text += " && params.typo";
  EXPECT_EQ(std::get<1>(evaluate(text)).size(), 20U);
}

TEST_F(ConditionTest, DepthIsBounded) {
  expect_mistake(std::string(100'000, '('), "nested too deeply", 50);
  expect_mistake(std::string(100'000, '!'), "nested too deeply", 50);
}

}  // namespace
}  // namespace stagebox::scheduler
