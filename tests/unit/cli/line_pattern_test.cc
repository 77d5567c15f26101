// Regular expressions against lines of any bytes.
#include "runtime/cli/line_pattern.h"

#include <gtest/gtest.h>

namespace stagebox::cli {
namespace {

TEST(LinePattern, IsFoundAnywhere) {
  const auto pattern = LinePattern::compile("err(or)?s? [0-9]+$");
  ASSERT_TRUE(pattern.ok());
  EXPECT_TRUE(pattern->matches("3 errors 17"));
  EXPECT_TRUE(pattern->matches(std::string("\0\xff err 1", 8)));
  EXPECT_FALSE(pattern->matches("errors"));
  EXPECT_FALSE(pattern->matches(""));
  EXPECT_FALSE(pattern->matches(std::string_view("err 17x").substr(0, 7)));
  EXPECT_TRUE(pattern->matches(std::string_view("err 17x").substr(0, 6))) << "no byte beyond it";
  EXPECT_TRUE(LinePattern::compile("^$")->matches(""));
  EXPECT_TRUE(pattern->matches(std::string(1 << 20, 'x') + "err 1"));
}

TEST(LinePattern, AWrongOneIsExplained) {
  const auto pattern = LinePattern::compile("a(b");
  ASSERT_FALSE(pattern.ok());
  EXPECT_EQ(pattern.error().kind, base::ErrorKind::kInvalid);
  EXPECT_NE(pattern.error().message.find("a(b"), std::string::npos);
}

}  // namespace
}  // namespace stagebox::cli
