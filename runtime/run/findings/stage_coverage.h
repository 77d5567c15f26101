// What is told of a stage's coverage, beside that of the last trusted run.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "runtime/coverage/coverage_codec.h"
#include "runtime/coverage/source_file.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/runs/coverage_store.h"
#include "runtime/store/stage_result.h"

namespace stagebox::run {

/// A source file now, and where it was measured before, then.
struct ComparedFile {
  std::string path;
  coverage::Counts now;
  std::optional<coverage::Counts> before = {};
};

/// Those whose share of covered lines is another than before come first, the greatest difference
/// before all; then the others, the least covered first. `before` may be nullptr. Pure.
std::vector<ComparedFile> compare_files(const coverage::SourceFiles& now,
                                        const coverage::SourceFiles* before);

/// Of one attempt, or of what was taken from the cache, for whoever shows it.
struct StageCoverage {
  static constexpr std::size_t kTold = 20;

  store::CoverageRef report;
  std::optional<store::EarlierCoverage> before = {};
  std::vector<ComparedFile> files = {};  ///< The first kTold; none of what was in the cache.
  std::size_t all_files = 0;
  std::vector<std::string> problems = {};  ///< The first ones.
};

coverage::Counts counts_of(const store::CoverageRef& report);

/// That of the stage in the last trusted run before `run_id`. Best effort: no stage fails because
/// the past cannot be read.
std::optional<store::EarlierCoverage> coverage_before(const store::CoverageStore& coverage,
                                                      const std::string& run_id,
                                                      const std::string& stage);

StageCoverage told_coverage(const coverage::ReadCoverage& read, const store::CoverageRef& report,
                            std::optional<store::EarlierCoverage> before,
                            const store::ContentStore& content);

}  // namespace stagebox::run
