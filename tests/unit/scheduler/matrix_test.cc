// Stages with a `matrix` and with an `if`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "scheduler/file/parse_pipeline.h"
#include "scheduler/plan.h"
#include "scheduler/scheduler_state.h"

namespace stagebox::scheduler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kBeforeStages[] =
    "stagebox: 1\nimages: {a: {name: a}}\ndefaults: {image: a}\nstages:\n";

std::variant<Pipeline, Diagnostics> parse(const std::string& stages) {
  return parse_pipeline("f", kBeforeStages + stages);
}

Pipeline good(const std::string& stages) {
  auto parsed = parse(stages);
  if (const auto* mistakes = std::get_if<Diagnostics>(&parsed)) {
    ADD_FAILURE() << mistakes->render();
    return {};
  }
  return std::get<Pipeline>(std::move(parsed));
}

std::string mistakes(const std::string& stages) {
  const auto parsed = parse(stages);
  const auto* found = std::get_if<Diagnostics>(&parsed);
  return found == nullptr ? "none" : found->render();
}

std::vector<std::string> ids(const Pipeline& pipeline) {
  std::vector<std::string> result;
  for (const Stage& stage : pipeline.stages) result.push_back(stage.id);
  return result;
}

TEST(Matrix, MakesAStageOfEachCombination) {
  const Pipeline pipeline = good(
      "  t: {matrix: {os: [old, new], n: [1, 2]}, run: 'echo ${{ matrix.os }}', "
      "env: {N: '${{ matrix.n }}'}}\n");
  EXPECT_THAT(ids(pipeline), ElementsAre("t[old,1]", "t[old,2]", "t[new,1]", "t[new,2]"));
  const Stage& stage = pipeline.stages.at(2);
  EXPECT_EQ(stage.name, "t");
  EXPECT_EQ(stage.env.at("N"), "1");
  EXPECT_EQ(std::get<Script>(stage.run).text, "echo ${STAGEBOX_MATRIX_OS}");
  EXPECT_EQ(stage.env.at("STAGEBOX_MATRIX_OS"), "new");
}

TEST(Matrix, NeedsMeanAllVariantsAndInputsOne) {
  const Pipeline pipeline = good(
      "  t: {matrix: {n: [a, b]}, run: x, outputs: {o: out}}\n"
      "  u: {needs: [t], run: x, inputs: {i: {from: 't[b].o'}}}\n"
      "  v: {matrix: {n: [a, b]}, run: x, inputs: {i: {from: 't[${{ matrix.n }}].o'}}}\n");
  const auto plan = make_plan(pipeline);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->stages().at(2).edges_in.size(), 3U);
  EXPECT_THAT(mistakes("  t: {matrix: {n: [a, b]}, run: x, outputs: {o: out}}\n"
                       "  u: {run: x, inputs: {i: {from: t.o}}}\n"),
              HasSubstr("has a matrix: which of its outputs?; name one of them, such as `t[a]`"));
}

TEST(Matrix, ASelectedNameMeansAllVariants) {
  const Pipeline pipeline = good("  t: {matrix: {n: [a, b]}, run: x}\n  u: {run: x}\n");
  EXPECT_EQ(make_plan(pipeline, {"t"})->size(), 2U);
  EXPECT_EQ(make_plan(pipeline, {"t[b]"})->size(), 1U);
  EXPECT_FALSE(make_plan(pipeline, {"t[c]"}).ok());
}

TEST(Matrix, MistakesAreReportedOnceWithTheirPlace) {
  EXPECT_THAT(mistakes("  t: {matrix: {n: []}, run: x}\n"), HasSubstr("f:5:19:"));
  EXPECT_THAT(mistakes("  t: {matrix: {n: [a, a]}, run: x}\n"), HasSubstr("twice"));
  EXPECT_THAT(mistakes("  t: {matrix: {n: ['../x']}, run: x}\n"), HasSubstr("a stage's name"));
  EXPECT_THAT(mistakes("  t: {matrix: {n: a}, run: x}\n"), HasSubstr("must be a list"));
  EXPECT_THAT(mistakes("  t: {matrix: {}, run: x}\n"), HasSubstr("`matrix` is empty"));
  EXPECT_THAT(mistakes("  t: {run: 'echo ${{ matrix.n }}'}\n"),
              HasSubstr("only a stage that has a `matrix` can"));
  EXPECT_THAT(mistakes("  t: {matrix: {n: [a]}, run: 'echo ${{ matrix.m }}'}\n"),
              HasSubstr("unknown name of the matrix `m`"));
  // One mistake in a stage of three variants.
  const std::string text = mistakes("  t: {matrix: {n: [a, b, c]}, run: x, typo: y}\n");
  EXPECT_EQ(text.find("typo"), text.rfind("typo")) << text;
}

TEST(Matrix, EachMistakeIsReportedAtItsPlace) {
  EXPECT_EQ(mistakes("  t: {matrix: {n: ['../x', a, [b], a, '${{ params.p }}', 'c d', '../x'],\n"
                     "    1x: [], m: 7}, run: x}\n"),
            "f:5:20: the matrix value `../x` cannot be part of a stage's name; use up to 40 "
            "letters, digits and _ . + - : @ =; longer texts can be chosen by it in the script\n"
            "f:5:31: each item of the values of `n` in `matrix` must be a text, found a list\n"
            "f:5:36: the matrix value `a` stands there twice; remove one of them\n"
            "f:5:40: unknown parameter `p`; none is defined\n"
            "f:5:58: the matrix value `c d` cannot be part of a stage's name; use up to 40 "
            "letters, digits and _ . + - : @ =; longer texts can be chosen by it in the script\n"
            "f:5:65: the matrix value `../x` cannot be part of a stage's name; use up to 40 "
            "letters, digits and _ . + - : @ =; longer texts can be chosen by it in the script\n"
            "f:6:5: invalid parameter name `1x`; use letters, digits and `_`, and no digit at the "
            "beginning\n"
            "f:6:9: the values of `1x` in `matrix` are none; list at least one\n"
            "f:6:16: the values of `m` in `matrix` must be a list, found the number `7`; write "
            "for example [small, large]\n");
}

TEST(Matrix, MistakesInItDoNotMakeOthers) {
  const std::string text = mistakes(
      "  t: {matrix: {n: [a, 'b c']}, run: 'echo ${{ matrix.n }} ${{ matrix.m }}',\n"
      "      outputs: {o: out}}\n"
      "  u: {needs: ['t[a]', t], run: x, inputs: {i: {from: 't[a].o'}}}\n");
  EXPECT_THAT(text, HasSubstr("f:5:23: the matrix value `b c`"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
  EXPECT_THAT(mistakes("  t: {matrix: {n: ['b c']}, run: x}\n  u: {needs: [tt, 'u[a]'], run: x}\n"),
              AllOf(HasSubstr("unknown stage `tt`"), HasSubstr("unknown stage `u[a]`")));
}

TEST(Matrix, LeavesCombinationsOutAndAddsOthers) {
  const Pipeline pipeline = good(
      "  t: {matrix: {os: [old, new], n: [1, 2, 3], exclude: [{os: old, n: 2}, {n: 3}],\n"
      "      include: [{n: 4, os: odd}, {os: old, n: 3}]}, run: 'echo ${{ matrix.os }}'}\n"
      "  u: {needs: [t], run: x}\n");
  EXPECT_THAT(ids(pipeline),
              ElementsAre("t[old,1]", "t[new,1]", "t[new,2]", "t[odd,4]", "t[old,3]", "u"));
  EXPECT_EQ(pipeline.stages.at(3).env.at("STAGEBOX_MATRIX_OS"), "odd");
  EXPECT_EQ(pipeline.stages.at(5).needs.size(), 5U);
  EXPECT_THAT(ids(good("  t: {matrix: {include: [{os: a, n: 1}, {n: 2, os: b}]}, run: x}\n")),
              ElementsAre("t[a,1]", "t[b,2]"));
  EXPECT_THAT(ids(good("  t: {matrix: {n: [1, 2], exclude: [{n: 1}, {n: 1}], include: []},\n"
                       "      run: x}\n")),
              ElementsAre("t[2]"));
}

TEST(Matrix, MistakesInWhatIsLeftOutAndAddedHaveTheirPlaces) {
  EXPECT_EQ(
      mistakes("  t: {matrix: {os: [old, new], n: [1, 2],\n"
               "    exclude: [{os: odd}, {oss: old}, {}, a, {n: [1]}, {n: x y}, {1n: 1}],\n"
               "    include: {os: a}}, run: x}\n"),
      "f:6:38: an item of `exclude` in `matrix` is empty; write for example {os: old}\n"
      "f:6:42: each item of `exclude` in `matrix` must be a mapping, found the text `a`; write for "
      "example {os: old}\n"
      "f:6:49: the value of `n` in `exclude` in `matrix` must be a text, found a list\n"
      "f:6:59: the matrix value `x y` cannot be part of a stage's name; use up to 40 "
      "letters, digits and _ . + - : @ =; longer texts can be chosen by it in the script\n"
      "f:6:66: invalid parameter name `1n`; use letters, digits and `_`, and no digit at "
      "the beginning\n"
      "f:7:14: `include` in `matrix` must be a list, found a mapping; write for example "
      "[{os: old, case: large}]\n");
  EXPECT_EQ(mistakes("  t: {matrix: {os: [old, new], n: [1, 2],\n"
                     "    exclude: [{os: odd}, {oss: old}],\n"
                     "    include: [{os: a}, {os: old, n: 1}, {os: a, n: 1, m: 2}]}, run: x}\n"),
            "f:6:15: this `exclude` fits no combination of the matrix; correct its values, or "
            "remove it\n"
            "f:6:26: unknown name of the matrix `oss`; did you mean `os`?\n"
            "f:7:15: this `include` has no value for `n`; write one for each name of the matrix\n"
            "f:7:24: the matrix has this combination already; remove it\n"
            "f:7:41: unknown name of the matrix `m`; known are `os`, `n`\n");
  EXPECT_EQ(mistakes("  t: {matrix: {n: [1], exclude: [{n: 1}]}, run: x}\n"),
            "f:5:15: no combination of the matrix is left; exclude less, or include one\n");
  EXPECT_EQ(mistakes("  t: {matrix: {include: [{n: 1}, {n: 1}]}, run: x}\n"),
            "f:5:34: the matrix has this combination already; remove it\n");
  EXPECT_THAT(mistakes("  t: {matrix: {exclude: [{n: 1}]}, run: x}\n"),
              HasSubstr("`matrix` is empty"));
  // What is wrong with the values does not hide what is wrong here, and makes no mistake of it.
  EXPECT_EQ(mistakes("  t: {matrix: {n: [a b], include: [{m: 1}, {}]}, run: x}\n"),
            "f:5:20: the matrix value `a b` cannot be part of a stage's name; use up to 40 "
            "letters, digits and _ . + - : @ =; longer texts can be chosen by it in the script\n"
            "f:5:44: an item of `include` in `matrix` is empty; write for example {os: old}\n");
}

TEST(Matrix, WhatIsAddedCountsInItsSize) {
  std::string rows = "{n: 1}";
  for (int i = 2; i <= 257; ++i) rows += ", {n: " + std::to_string(i) + "}";
  EXPECT_THAT(mistakes("  t: {matrix: {include: [" + rows + "]}, run: x}\n"),
              HasSubstr("found 257 items of `include` in `matrix`; the limit is 256"));
  const std::string most = rows.substr(0, rows.rfind(','));
  EXPECT_THAT(mistakes("  t: {matrix: {n: [0], include: [" + most + "]}, run: x}\n"),
              HasSubstr("found 257 combinations in a matrix; the limit is 256"));
  EXPECT_EQ(good("  t: {matrix: {include: [" + most + "]}, run: x}\n").stages.size(), 256U);
}

TEST(Matrix, ItsSizeIsLimited) {
  std::string values = "1";
  for (int i = 2; i <= 20; ++i) values += ", " + std::to_string(i);
  const std::string axis = "[" + values + "]";
  EXPECT_THAT(mistakes("  t: {matrix: {a: " + axis + ", b: " + axis + "}, run: x}\n"),
              HasSubstr("f:5:15: found 400 combinations in a matrix; the limit is 256"));
  EXPECT_THAT(mistakes("  t: {matrix: {a: " + axis + ", b: [x y], c: " + axis + "}, run: x}\n"),
              AllOf(HasSubstr("`x y` cannot be"), HasSubstr("found 400 combinations")));
}

TEST(Matrix, ItsSizeIsThatWithoutItsRepetitions) {
  std::string repeated = "a";
  for (int i = 0; i < 300; ++i) repeated += ", a";
  EXPECT_THAT(mistakes("  t: {matrix: {n: [" + repeated + "]}, run: x}\n"),
              AllOf(HasSubstr("stands there twice"), HasSubstr("and 100 more mistakes"),
                    Not(HasSubstr("combinations"))));
}

TEST(Condition, AFalseOneSkipsTheStageAndWhatNeedsIt) {
  const Pipeline pipeline = good(
      "  t: {matrix: {n: [a, b]}, if: matrix.n == 'a', run: x}\n"
      "  u: {needs: ['t[b]'], run: x}\n  v: {needs: [t], when: always, run: x}\n");
  const Plan plan = make_plan(pipeline).value();
  SchedulerState state(plan, SchedulerOptions{});
  state.begin();
  EXPECT_EQ(state.outcome(0).state, StageState::kReady);
  EXPECT_EQ(state.outcome(1).state, StageState::kSkipped);
  EXPECT_EQ(state.outcome(1).detail, "its `if` is false");
  EXPECT_EQ(state.outcome(2).state, StageState::kSkipped);
  ASSERT_EQ(state.take_next(), 0U);
  state.begun(0);
  state.finished(0, {StageState::kSucceeded, ""});
  EXPECT_EQ(state.outcome(3).state, StageState::kReady);
}

TEST(Condition, MistakesHaveTheirPlaceInTheFile) {
  EXPECT_THAT(mistakes("  t: {if: params.x == 'a', run: x}\n"), HasSubstr("unknown parameter `x`"));
  EXPECT_THAT(mistakes("  t: {if: [a], run: x}\n"), HasSubstr("`if` must be a condition"));
}

}  // namespace
}  // namespace stagebox::scheduler
