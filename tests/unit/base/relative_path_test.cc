#include "runtime/base/relative_path.h"

#include <gtest/gtest.h>

namespace stagebox::base {
namespace {

RelativePath path(const char* text) { return RelativePath::parse(text).value(); }

TEST(RelativePath, Normalises) {
  EXPECT_EQ(path("a//b/./c/").str(), "a/b/c");
  EXPECT_TRUE(path(".").is_self());
  EXPECT_EQ(path("./").display(), ".");
}

TEST(RelativePath, RefusesWhatLeavesTheDirectory) {
  for (const char* text : {"", "/", "/a", "..", "a/..", "a/../b", "../a"}) {
    EXPECT_FALSE(RelativePath::parse(text).ok()) << text;
  }
  EXPECT_FALSE(RelativePath::parse(std::string_view("a\0b", 3)).ok());
  EXPECT_FALSE(RelativePath::parse(std::string(256, 'n')).ok());
  EXPECT_FALSE(RelativePath::parse(std::string(5000, '/') + "x").ok());
}

TEST(RelativePath, ContainsWholeComponentsOnly) {
  EXPECT_TRUE(path("a").contains(path("a/b")));
  EXPECT_TRUE(path("a").contains(path("a")));
  EXPECT_TRUE(path(".").contains(path("a")));
  EXPECT_FALSE(path("a").contains(path("ab")));
  EXPECT_FALSE(path("a/b").contains(path("a")));
}

TEST(RelativePath, TakesApartAndJoins) {
  EXPECT_EQ(path("a/b/c").components(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(path("a/b/c").parent().str(), "a/b");
  EXPECT_EQ(path("a/b/c").name(), "c");
  EXPECT_EQ((path("a") / path("b/c")).str(), "a/b/c");
  EXPECT_EQ((path(".") / path("b")).str(), "b");
}

}  // namespace
}  // namespace stagebox::base
