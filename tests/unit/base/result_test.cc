#include "runtime/base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace stagebox::base {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return invalid("odd");
  return number / 2;
}

Result<std::unique_ptr<int>> quarter(int number) {
  const int once = TRY(half(number));
  return std::make_unique<int>(TRY(half(once)));
}

TEST(Result, PassesValuesAndMovesThem) { EXPECT_EQ(*quarter(8).value(), 2); }

TEST(Result, TryReturnsTheFirstError) {
  const auto result = quarter(6);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(result.error().message, "odd");
}

TEST(Error, ContextStandsInFront) {
  const Error error = system_error("open \"x\"", 2).with_context("stage build");
  EXPECT_EQ(error.message, "stage build: open \"x\": No such file or directory");
  EXPECT_EQ(error.errno_value, 2);
}

}  // namespace
}  // namespace stagebox::base
