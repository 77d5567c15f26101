#include "scheduler/nearest_name.h"

#include <gtest/gtest.h>

#include <chrono>

namespace stagebox::scheduler {
namespace {

using Names = std::vector<std::string_view>;

TEST(EditDistance, CountsTheFourKindsOfMistake) {
  EXPECT_EQ(edit_distance("inputs", "inputs", 3), 0U);
  EXPECT_EQ(edit_distance("imputs", "inputs", 3), 1U);
  EXPECT_EQ(edit_distance("input", "inputs", 3), 1U);
  EXPECT_EQ(edit_distance("inputss", "inputs", 3), 1U);
  EXPECT_EQ(edit_distance("inptus", "inputs", 3), 1U);
  EXPECT_EQ(edit_distance("INPUTS", "inputs", 3), 0U);
  EXPECT_EQ(edit_distance("kitten", "sitting", 5), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting", 2), 3U);
  EXPECT_EQ(edit_distance("", "abc", 9), 3U);
}

TEST(NearestName, FindsWhatWasMeantAndNothingElse) {
  const Names names{"image", "inputs", "outputs", "env", "run"};
  EXPECT_EQ(nearest_name("imagee", names), "image");
  EXPECT_EQ(nearest_name("ouptut", names), "outputs");
  EXPECT_EQ(nearest_name("enx", names), "env");
  EXPECT_EQ(nearest_name("xyz", names), std::nullopt);
  EXPECT_EQ(nearest_name("", names), std::nullopt);
  EXPECT_EQ(nearest_name("x", Names{"y"}), std::nullopt);
  EXPECT_EQ(nearest_name("Build", Names{"test", "build"}), "build");
}

TEST(NameHint, ListsWhenFewAndNoneIsNear) {
  EXPECT_EQ(name_hint("zzzz", Names{"gcc", "py"}), "known are `gcc`, `py`");
  EXPECT_EQ(name_hint("pyy", Names{"gcc", "py"}), "did you mean `py`?");
  EXPECT_EQ(name_hint("zzzz", Names{}), "");
  EXPECT_EQ(name_hint("zzzz", Names(9, "gcc")), "");
}

TEST(NearestName, IsCheapForHostileNames) {
  const std::string text(1'000'000, 'a');
  const Names names(100'000, text);
  EXPECT_EQ(nearest_name(text, names), std::nullopt);
  EXPECT_EQ(nearest_name("aaaa", names), std::nullopt);
}

}  // namespace
}  // namespace stagebox::scheduler
