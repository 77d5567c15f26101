// Stages that need each other: which cycles of a file are told, and where.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "scheduler/file/parse_pipeline.h"

namespace stagebox::scheduler {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kHint = "; remove one of these `needs` or `from`\n";

// What is told of these stages, the first of which stands in line 5, column 3.
std::string cycles_told(const std::string& stages) {
  const auto parsed = parse_pipeline("f",
                                     "stagebox: 1\nimages: {a: {name: x}}\n"
                                     "defaults: {image: a}\nstages:\n" +
                                         stages);
  const auto* wrong = std::get_if<Diagnostics>(&parsed);
  return wrong == nullptr ? "" : wrong->render();
}

std::string told(std::string_view place, std::string_view path) {
  return "f:" + std::string(place) +
         ": the stages need each other in a cycle: " + std::string(path) + std::string(kHint);
}

std::string needing(const std::string& name, const std::string& needs) {
  return "  " + name + ": {run: m, needs: [" + needs + "]}\n";
}

TEST(CheckCycles, EachIndependentOneIsTold) {
  EXPECT_EQ(cycles_told(needing("a", "d") + needing("b", "c") + needing("c", "b") +
                        needing("d", "a") + needing("e", "e") + needing("f", "e, b")),
            told("5:3", "a -> d -> a") + told("6:3", "b -> c -> b") + told("9:3", "e -> e"));
}

TEST(CheckCycles, OfThoseThatHangTogetherAShortestIsTold) {
  EXPECT_EQ(cycles_told(needing("a", "b") + needing("b", "c, d") + needing("c", "d") +
                        needing("d", "a, c")),
            told("5:3", "a -> b -> d -> a"));
}

TEST(CheckCycles, AStageThatNeedsItselfIsOneMoreMistake) {
  EXPECT_EQ(cycles_told(needing("a", "b") + needing("b", "a, b")),
            told("5:3", "a -> b -> a") + told("6:3", "b -> b"));
}

TEST(CheckCycles, TheVariantsOfAStageAreOneMistake) {
  EXPECT_EQ(cycles_told("  t: {matrix: {n: [x, y]}, run: m, needs: [t]}\n"),
            told("5:3", "t[x] -> t[x]"));
  EXPECT_EQ(cycles_told("  t: {matrix: {n: [x, y]}, run: m, outputs: {o: t},\n"
                        "      inputs: {i: {from: 'u[${{ matrix.n }}].o'}}}\n"
                        "  u: {matrix: {n: [x, y]}, run: m, outputs: {o: u},\n"
                        "      inputs: {i: {from: 't[${{ matrix.n }}].o'}}}\n"),
            told("5:3", "t[x] -> u[x] -> t[x]"));
}

TEST(CheckCycles, TheirNumberIsBounded) {
  std::string stages;
  for (int i = 0; i < 25; ++i) {
    const std::string name = "s" + std::to_string(i);
    stages += needing(name, name);
  }
  const std::string text = cycles_told(stages);
  EXPECT_THAT(text, HasSubstr("f:24:3: the stages need each other in a cycle: s19 -> s19"));
  EXPECT_THAT(text, Not(HasSubstr("s20 -> ")));
  EXPECT_THAT(text, HasSubstr("f:25:3: the stages need each other in 5 more cycles, from the stage "
                              "`s20` on"));
}

}  // namespace
}  // namespace stagebox::scheduler
