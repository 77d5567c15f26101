#include "runtime/run/findings/stage_coverage.h"

#include <gtest/gtest.h>

namespace stagebox::run {
namespace {

using coverage::SourceFile;
using coverage::SourceFiles;
using coverage::SourceLine;

/// So many lines, of which the first are covered.
SourceFile measured_file(const std::string& path, std::uint32_t covered, std::uint32_t all) {
  SourceFile file{path, {}};
  for (std::uint32_t i = 0; i < all; ++i)
    file.lines.push_back(
        SourceLine{.number = i + 1, .hit = i < covered, .branches = 0, .branches_taken = 0});
  return file;
}

std::vector<std::string> compared_paths(const SourceFiles& now, const SourceFiles* before) {
  std::vector<std::string> paths;
  for (const ComparedFile& file : compare_files(now, before)) paths.push_back(file.path);
  return paths;
}

TEST(StageCoverage, WhatChangedMostComesFirstThenTheLeastCovered) {
  const SourceFiles now{measured_file("better", 3, 4), measured_file("empty", 0, 0),
                        measured_file("half", 1, 2), measured_file("new", 0, 2),
                        measured_file("worse", 0, 4)};
  const SourceFiles before{measured_file("better", 2, 4), measured_file("gone", 1, 1),
                           measured_file("half", 2, 4), measured_file("worse", 4, 4)};
  EXPECT_EQ(compared_paths(now, &before),
            (std::vector<std::string>{"worse", "better", "new", "half", "empty"}));
  EXPECT_EQ(compared_paths(now, nullptr),
            (std::vector<std::string>{"new", "worse", "half", "better", "empty"}));
  const auto files = compare_files(now, &before);
  EXPECT_EQ(files[0].before->lines_covered, 4U);
  EXPECT_FALSE(files[2].before);
}

}  // namespace
}  // namespace stagebox::run
