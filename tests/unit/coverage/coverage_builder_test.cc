#include "runtime/coverage/coverage_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/coverage/coverage_codec.h"
#include "tests/unit/coverage/coverage_printer.h"

namespace stagebox::coverage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CoverageBuilder, BranchesWithAndWithoutIdsOfALine) {
  CoverageBuilder builder;
  ASSERT_TRUE(builder.open_file("a").ok());
  ASSERT_TRUE(builder.add_branches(1, 1, 4).ok());
  ASSERT_TRUE(builder.add_branches(1, 2, 3).ok());
  ASSERT_TRUE(builder.add_branch(1, "0,0", true).ok());
  ASSERT_TRUE(builder.add_branch(2, "0,0", false).ok());
  EXPECT_THAT(lines_of(builder.take()), ElementsAre("a: 1(2/4) -2(0/1)"));
  EXPECT_TRUE(builder.take().empty());
}

TEST(CoverageBuilder, ALineNeedsAFile) {
  CoverageBuilder builder;
  EXPECT_FALSE(builder.add_line(1, true).ok());
}

TEST(CoverageBuilder, FilesHaveALimit) {
  CoverageBuilder builder;
  for (std::size_t i = 0; i < CoverageLimits::kFiles; ++i)
    ASSERT_TRUE(builder.open_file("f" + std::to_string(i)).ok());
  EXPECT_THAT(builder.open_file("more").error().message, HasSubstr("more than 50000 source files"));
  EXPECT_FALSE(builder.add_line(1, true).ok()) << "it must not count for another file";
  EXPECT_TRUE(builder.open_file("f0").ok()) << "this one is there";
  EXPECT_EQ(builder.take().size(), CoverageLimits::kFiles);
}

TEST(CoverageBuilder, LinesAndBranchesHaveALimitTogether) {
  CoverageBuilder builder;
  ASSERT_TRUE(builder.open_file("a").ok());
  std::size_t points = 0;
  std::uint32_t line = 0;
  for (; points + 1 + CoverageLimits::kLineBranches <= CoverageLimits::kPoints; ++line) {
    ASSERT_TRUE(builder.add_branches(line, 0, CoverageLimits::kLineBranches).ok());
    points += 1 + CoverageLimits::kLineBranches;
  }
  ASSERT_TRUE(
      builder
          .add_branches(line, 0, static_cast<std::uint32_t>(CoverageLimits::kPoints - points - 1))
          .ok());
  EXPECT_TRUE(builder.add_line(0, true).ok()) << "nothing new";
  EXPECT_THAT(builder.add_line(line + 1, true).error().message, HasSubstr("more than 4000000"));
  EXPECT_FALSE(builder.add_branch(0, "id", true).ok());
  const ReadCoverage full{builder.take(), {}};
  EXPECT_EQ(decode_coverage(encode_coverage(full)).value(), full);
}

}  // namespace
}  // namespace stagebox::coverage
