// Pipeline files that try to cost much: each must be answered soon and with bounded memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "scheduler/file/parse_pipeline.h"

namespace stagebox::scheduler {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kHead = "stagebox: 1\nimages: {a: {name: x}}\n";

// The messages, after making sure that they came in time (with room for slow sanitizers).
std::string answer(const std::string& text) {
  const auto begin = std::chrono::steady_clock::now();
  const auto parsed = parse_pipeline("f", text);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(40));
  const auto* wrong = std::get_if<Diagnostics>(&parsed);
  return wrong == nullptr ? "" : wrong->render();
}

std::string repeated(std::size_t count, std::string_view text) {
  std::string result;
  result.reserve(count * text.size());
  for (std::size_t i = 0; i < count; ++i) result += text;
  return result;
}

TEST(HostileFile, ManyUnknownKeys) {
  std::string text(kHead);
  for (int i = 0; i < 200'000; ++i) text += "imagez" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(answer(text), HasSubstr("more mistakes"));
}

TEST(HostileFile, ManyUnknownParameters) {
  std::string text(kHead);
  text += "params:\n";
  for (int i = 0; i < 1000; ++i) text += "  p" + std::to_string(i) + ": {default: x}\n";
  text += "stages:\n  s:\n    image: a\n    run: make\n    env:\n";
  for (int i = 0; i < 50'000; ++i)
    text += "      E" + std::to_string(i) + ": \"${{ params.q" + std::to_string(i) + " }}\"\n";
  EXPECT_THAT(answer(text), HasSubstr("more mistakes"));
}

TEST(HostileFile, DefaultsUnderManyStages) {
  std::string text(kHead);
  text += "defaults:\n  image: a\n  env: {A: " + std::string(100'000, 'x') + "}\nstages:\n";
  for (int i = 0; i < 9'000; ++i) text += "  s" + std::to_string(i) + ": {run: m}\n";
  EXPECT_THAT(answer(text), HasSubstr("expand to more than 32 MiB"));
}

TEST(HostileFile, ManyItemsInDefaults) {
  std::string text(kHead);
  text += "defaults:\n  image: a\n  shell: [a" + repeated(100'000, ", a") + "]\nstages:\n";
  for (int i = 0; i < 9'000; ++i) text += "  s" + std::to_string(i) + ": {run: m}\n";
  EXPECT_THAT(answer(text), HasSubstr("expand to more than 32 MiB"));
}

TEST(HostileFile, TooManyStages) {
  std::string text(kHead);
  text += "stages:\n";
  for (int i = 0; i < 100'000; ++i) text += "  s" + std::to_string(i) + ": {run: m}\n";
  EXPECT_THAT(answer(text), HasSubstr("found 100000 stages; the limit is 10000"));
}

TEST(HostileFile, ALongCycle) {
  std::string text(kHead);
  text += "defaults: {image: a}\nstages:\n";
  for (int i = 0; i < 10'000; ++i)
    text += "  s" + std::to_string(i) + ": {run: m, needs: [s" + std::to_string((i + 1) % 10'000) +
            "]}\n";
  EXPECT_THAT(answer(text), HasSubstr("s0 -> s1 -> s2"));
}

TEST(HostileFile, ManyCycles) {
  std::string text(kHead);
  text += "defaults: {image: a}\nstages:\n";
  for (int i = 0; i < 10'000; ++i) {
    text += "  s" + std::to_string(i) + ": {run: m, needs: [";
    for (int k = 0; k < 10; ++k) text += "s" + std::to_string(i / 20 * 20 + (i + k) % 20) + ", ";
    text += "]}\n";
  }
  EXPECT_THAT(answer(text), HasSubstr("more cycles, from the stage"));
}

TEST(HostileFile, ManyValuesOfAMatrix) {
  std::string text(kHead);
  text += "stages:\n  s:\n    image: a\n    run: m\n    matrix:\n      n: [0";
  for (int i = 1; i < 300'000; ++i) text += "," + std::to_string(i);
  EXPECT_THAT(answer(text + "]\n"), HasSubstr("found 300000 combinations in a matrix"));
}

TEST(HostileFile, AsManyStagesAsAllowed) {
  std::string text(kHead);
  text += "defaults: {image: a, env: {A: b}}\nstages:\n  s0: {run: m}\n";
  for (int i = 1; i < 10'000; ++i)
    text += "  s" + std::to_string(i) + ": {run: m, needs: [s" + std::to_string(i - 1) + "]}\n";
  EXPECT_EQ(answer(text), "");
}

TEST(HostileFile, ManyPathsOfGreatDepth) {
  std::string text(kHead);
  text += "stages:\n  s:\n    image: a\n    run: m\n    inputs:\n";
  const std::string deep = repeated(2'000, "d/");
  for (int i = 0; i < 500; ++i)
    text += "      ? " + deep + std::to_string(i) + "\n      : {path: .}\n";
  EXPECT_EQ(answer(text), "");
}

TEST(HostileFile, AScriptFullOfExpressions) {
  EXPECT_THAT(answer(std::string(kHead) + "stages:\n  s:\n    image: a\n    run: |\n      " +
                     repeated(150'000, "${{ params.nothing }} ") + "\n"),
              HasSubstr("unknown parameter `nothing`"));
  EXPECT_NE(answer(std::string(kHead) + "stages:\n  s:\n    image: a\n    run: |\n      " +
                   repeated(1'000'000, "${{") + "\n"),
            "");
}

TEST(HostileFile, OneLineOfAllTheBytes) {
  EXPECT_NE(answer("{" + repeated(400'000, "a: b, ") + "}"), "");
  EXPECT_NE(answer(std::string(4'000'000, 'a')), "");
  EXPECT_NE(answer(std::string(5'000'000, 'a')), "");
  EXPECT_NE(answer(std::string(4'000'000, '\n')), "");
}

}  // namespace
}  // namespace stagebox::scheduler
