#include "scheduler/file/condition.h"

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

  NamedValues params_{{"type", "Release"},
                      {"yes", "true"},
                      {"empty", ""},
                      {"branch", "release/1.2"},
                      {"wrong", std::nullopt}};
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

TEST_F(ConditionTest, TextsAreTested) {
  expect("starts_with(params.branch, 'release/')", true);
  expect("starts_with(params.branch, 'elease/')", false);
  expect("starts_with ( params.branch , \"Release/\" )", false);
  expect("starts_with('a', 'aa')", false);
  expect("ends_with(params.branch, '/1.2')", true);
  expect("ends_with(params.branch, '/1')", false);
  expect("contains(params.branch, 'ease/1')", true);
  expect("contains(params.branch, 'ease1')", false);
  expect("contains(12345, 34)", true);
  // The empty text is a part of each text, of itself too.
  for (const char* name : {"starts_with", "ends_with", "contains"}) {
    expect(std::string(name) + "(params.type, params.empty)", true);
    expect(std::string(name) + "(params.empty, params.empty)", true);
    expect(std::string(name) + "(params.empty, params.type)", false);
  }
}

TEST_F(ConditionTest, TestsOfTextsStandWhereComparisonsDo) {
  expect("!contains(params.type, 'x') && (starts_with(matrix.os, 'o') || false)", true);
  expect("contains(params.type, 'x') || env.CI == 1", true);
  expect("!(contains('a) && (b', 'b') && true)", false);
  expect("${{ ends_with(matrix.os, 'ld') }}", true);
}

// A parameter of that name is still a parameter.
TEST_F(ConditionTest, NamesOfFunctionsAreNoReservedWords) {
  params_.emplace("contains", "x");
  expect("params.contains == 'x'", true);
  expect("contains(params.contains, 'contains(')", false);
}

TEST_F(ConditionTest, MistakesOfFunctionsHaveAPlace) {
  expect_mistake("true && begins_with(params.type, 'x')", "unknown function `begins_with`", 8);
  expect_mistake("startsWith(params.type, 'x')", "unknown function `startsWith`", 0);
  expect_mistake("failure()", "unknown function `failure`", 0);
  expect_mistake("contains(params.type)", "two values", 20);
  expect_mistake("contains(params.type, 'a', 'b')", "not closed after its two values", 25);
  expect_mistake("contains(params.type, 'a'", "not closed after its two values", 25);
  expect_mistake("contains()", "lacks a value before `)`", 9);
  expect_mistake("contains('a',)", "lacks a value before `)`", 13);
  expect_mistake("contains('a' == 'b', 'c')", "two values", 13);
  expect_mistake("contains(contains('a', 'b'), 'c')", "a function is no value", 9);
  expect_mistake("contains('a', 'b') == true", "is not compared", 19);
  expect_mistake("true == contains('a', 'b')", "a function is no value", 8);
  expect_mistake("contains", "cannot read the expression `contains`", 0);
  expect_mistake("contains(params.typo, 'x')", "unknown parameter `typo`", 9);
  expect_mistake("params.type =~ /^R/", "`=~` compares nothing", 12);
}

TEST_F(ConditionTest, MistakesOfFunctionsHaveARemedy) {
  const auto hint = [&](std::string_view text) { return std::get<1>(evaluate(text)).front().hint; };
  EXPECT_THAT(hint("startsWith(params.type, 'x')"), HasSubstr("`starts_with`"));
  EXPECT_THAT(hint("endsWith(params.type, 'x')"), HasSubstr("`ends_with`"));
  EXPECT_THAT(hint("contain(params.type, 'x')"), HasSubstr("`contains`"));
  EXPECT_THAT(hint("always()"), HasSubstr("`when`"));
  EXPECT_THAT(hint("params.type =~ /^R/"), HasSubstr("starts_with"));
}

TEST_F(ConditionTest, MayStandInBraces) { expect("${{ params.yes }}", true); }

TEST_F(ConditionTest, WhatIsWrongAlreadyIsNotDecided) {
  for (const char* text : {"params.wrong == 'x'", "!params.wrong", "true || params.wrong",
                           "contains(params.wrong, 'x')", "contains('x', params.wrong)"}) {
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

TEST_F(ConditionTest, ALongConditionIsDecided) {
  std::string text = "contains(params.type, 'x')";
  while (text.size() < (std::size_t{1} << 20U)) text += " || contains(params.type, 'x')";
  expect(text, false);
  expect(text + " || starts_with(params.type, 'R')", true);
  expect_mistake(text + " ||", "at its end", text.size() + 3);
  std::string parentheses = "(true)";
  while (parentheses.size() < (std::size_t{1} << 20U)) parentheses += "&&(true)";
  expect(parentheses, true);
  expect("contains('" + std::string(std::size_t{1} << 20U, 'a') + "', 'b')", false);
  expect_mistake(std::string(std::size_t{1} << 20U, 'a') + "(", "unknown function", 0);
}

TEST_F(ConditionTest, DepthIsBounded) {
  expect_mistake(std::string(50, '(') + "contains('a', 'a')" + std::string(50, ')'),
                 "nested too deeply", 50);
  expect(std::string(49, '(') + "contains('a', 'a')" + std::string(49, ')'), true);
  expect_mistake(std::string(100'000, '('), "nested too deeply", 50);
  expect_mistake(std::string(100'000, '!'), "nested too deeply", 50);
}

}  // namespace
}  // namespace stagebox::scheduler
