#include "runtime/cli/coverage_lines.h"

#include <gtest/gtest.h>

namespace stagebox::cli {
namespace {

coverage::Counts line_sums(std::uint64_t covered, std::uint64_t all) {
  return {.lines = all, .lines_covered = covered, .branches = 0, .branches_covered = 0};
}

TEST(CoverageLines, OnlyWhatIsWholeIsAHundred) {
  EXPECT_EQ(percent(1, 3), "33.3 %");
  EXPECT_EQ(percent(999'999, 1'000'000), "99.9 %");
  EXPECT_EQ(percent(7, 7), "100.0 %");
  EXPECT_EQ(percent(0, 0), "-");
  EXPECT_EQ(line_counts(line_sums(1'234'567, 1'480'000)),
            "83.4 % of lines (1,234,567 of 1,480,000)");
  EXPECT_EQ(line_counts(line_sums(999, 1'000)), "99.9 % of lines (999 of 1,000)");
  EXPECT_EQ(line_counts(line_sums(0, 0)), "no lines");
  EXPECT_EQ(branch_counts(line_sums(1, 1)), "");
}

TEST(CoverageLines, TheChangeIsThatOfWhatIsShown) {
  EXPECT_EQ(line_change(line_sums(1, 2), line_sums(1, 3)), "+16.7");
  EXPECT_EQ(line_change(line_sums(1, 3), line_sums(1, 2)), "-16.7");
  EXPECT_EQ(line_change(line_sums(1, 2), line_sums(2, 4)), "+0.0");
  EXPECT_EQ(line_change(line_sums(0, 0), line_sums(2, 4)), "");
}

TEST(CoverageLines, ALineOfAStage) {
  run::StageCoverage stage;
  stage.report.lines = 4;
  stage.report.lines_covered = 3;
  EXPECT_EQ(coverage_line(stage), "coverage 75.0 % of lines (3 of 4)");
  stage.before = store::EarlierCoverage{"abc", {}};
  stage.before->coverage.lines = 2;
  EXPECT_EQ(coverage_line(stage), "coverage 75.0 % of lines (3 of 4), +75.0 against run abc");
  stage.problems = {"a\x1b[2J"};
  EXPECT_EQ(coverage_problem_lines(stage).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace stagebox::cli
