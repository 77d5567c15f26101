// Several mistakes in one value of a pipeline file: each is told, and once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "scheduler/file/parse_pipeline.h"

namespace stagebox::scheduler {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string all_told(std::string_view text, const ParamOverrides& overrides = {}) {
  const auto parsed = parse_pipeline("f", text, overrides);
  const auto* wrong = std::get_if<Diagnostics>(&parsed);
  return wrong == nullptr ? "" : wrong->render();
}

// Of a stage, the body of which begins in line 4, column 1.
std::string told_of_stage(std::string_view body) {
  return all_told("stagebox: 1\nimages: {a: {name: x}}\nstages: {s: {image: a, run: make,\n" +
                  std::string(body) + "}}\n");
}

std::string told_of_param(std::string_view body, const ParamOverrides& overrides = {}) {
  return all_told("stagebox: 1\nimages: {a: {name: x}}\nstages: {s: {image: a, run: make}}\n" +
                      ("params: {p: {" + std::string(body) + "}}\n"),
                  overrides);
}

auto lines(const std::string& text) { return std::ranges::count(text, '\n'); }

TEST(EveryMistake, OfASecret) {
  const std::string text = told_of_stage("secrets: [{name: a-b, env: STAGEBOX_X}, {env: 1}]");
  EXPECT_THAT(text, AllOf(HasSubstr("f:4:18: invalid secret name `a-b`"),
                          HasSubstr("f:4:28: the variable `STAGEBOX_X` is reserved"),
                          HasSubstr("f:4:41: this secret has no `name`"),
                          HasSubstr("f:4:47: invalid environment variable name `1`")));
  EXPECT_EQ(lines(text), 4) << text;
}

TEST(EveryMistake, OfTheChoicesOfAParameter) {
  const std::string text = told_of_param("default: c, choices: [[a], '${{ params.q }}', b]");
  EXPECT_THAT(text, AllOf(HasSubstr("f:4:36: each of the `choices` must be a text, found a list"),
                          HasSubstr("f:4:41: each of the `choices` cannot contain")));
  // Whether `c` is one of them is not known.
  EXPECT_EQ(lines(text), 2) << text;
}

TEST(EveryMistake, OfAParameterAndOfItsChoices) {
  EXPECT_THAT(told_of_param("choices: []"),
              AllOf(HasSubstr("has no value"), HasSubstr("`choices` is empty")));
  EXPECT_THAT(told_of_param("default: [a], choices: x"),
              AllOf(HasSubstr("must be a text, found a list"), HasSubstr("`choices` must be")));
  EXPECT_EQ(told_of_param("default: x, choices: [a, b]", {{"p", "y"}}),
            "f: --param p: the value `y` is not one of the choices; known are `a`, `b`\n"
            "f:4:23: the default `x` is not one of the choices; known are `a`, `b`\n");
}

TEST(EveryMistake, OfTheRulesOfANetwork) {
  const std::string text = told_of_stage("network: {allow: [[a], \"a\", \"b:x\"]}");
  EXPECT_THAT(text, AllOf(HasSubstr("f:4:19: each item of `allow` must be a text"),
                          HasSubstr("f:4:24: `allow`: \"a\" has no port"),
                          HasSubstr("f:4:29: `allow`: \"b:x\": the port must be a number")));
  EXPECT_EQ(lines(text), 3) << text;
}

TEST(EveryMistake, OfTheKeyOfACache) {
  const std::string text =
      told_of_stage("caches: [{path: c, key: \"${{ params.x }} ${{ env.Y }} ${{ hash(../x) }}\"}]");
  EXPECT_THAT(text,
              AllOf(HasSubstr("f:4:26: unknown parameter `x`"),
                    HasSubstr("f:4:42: unknown variable `Y`"), HasSubstr("f:4:55: `hash`: ")));
  EXPECT_EQ(lines(text), 3) << text;
  std::string many;
  for (int i = 0; i < 30; ++i) many += "${{ params.x" + std::to_string(i) + " }}";
  EXPECT_EQ(lines(told_of_stage("caches: [{path: c, key: \"" + many + "\"}]")), 20);
}

TEST(EveryMistake, OfAnInputWithoutASource) {
  const std::string text = told_of_stage("inputs: {i: {exclude: [\"[a\", \"\"], gitignore: 7}}");
  EXPECT_THAT(text, AllOf(HasSubstr("f:4:10: the input `i` must have either `path` or `from`"),
                          HasSubstr("f:4:24: `exclude`: "), HasSubstr("f:4:30: `exclude`: "),
                          HasSubstr("f:4:46: `gitignore` must be true or false")));
  EXPECT_EQ(lines(text), 4) << text;
}

TEST(EveryMistake, OfACondition) {
  const std::string text = told_of_stage("if: params.x == 'a' && env.Y && matrix.n");
  EXPECT_THAT(text, AllOf(HasSubstr("unknown parameter `x`"), HasSubstr("unknown variable `Y`"),
                          HasSubstr("only a stage that has a `matrix` can")));
  EXPECT_EQ(lines(text), 3) << text;
}

}  // namespace
}  // namespace stagebox::scheduler
