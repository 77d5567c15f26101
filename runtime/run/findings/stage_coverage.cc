#include "runtime/run/findings/stage_coverage.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "runtime/run/findings/coverage_results.h"
#include "runtime/run/findings/stage_tests.h"

namespace stagebox::run {
namespace {

using coverage::Counts;
using coverage::SourceFile;
using coverage::SourceFiles;

// Of a file without lines everything is covered: nothing is to be done about it.
double share(const Counts& counts) {
  if (counts.lines == 0) return 1;
  return static_cast<double>(counts.lines_covered) / static_cast<double>(counts.lines);
}

double change(const ComparedFile& file) {
  return file.before ? std::abs(share(file.now) - share(*file.before)) : 0;
}

bool comes_before(const ComparedFile& a, const ComparedFile& b) {
  return std::tuple(-change(a), share(a.now)) < std::tuple(-change(b), share(b.now));
}

}  // namespace

std::vector<ComparedFile> compare_files(const SourceFiles& now, const SourceFiles* before) {
  std::unordered_map<std::string_view, const SourceFile*> earlier;
  if (before != nullptr) {
    for (const SourceFile& file : *before) earlier.emplace(file.path, &file);
  }
  std::vector<ComparedFile> files;
  files.reserve(now.size());
  for (const SourceFile& file : now) {
    files.push_back({file.path, file.counts()});
    const auto found = earlier.find(file.path);
    if (found != earlier.end()) files.back().before = found->second->counts();
  }
  std::ranges::stable_sort(files, comes_before);
  return files;
}

Counts counts_of(const store::CoverageRef& report) {
  return {.lines = report.lines,
          .lines_covered = report.lines_covered,
          .branches = report.branches,
          .branches_covered = report.branches_covered};
}

std::optional<store::EarlierCoverage> coverage_before(const store::CoverageStore& coverage,
                                                      const std::string& run_id,
                                                      const std::string& stage) {
  auto before = coverage.last_trusted(run_id, stage);
  return before.ok() ? *before : std::nullopt;
}

StageCoverage told_coverage(const coverage::ReadCoverage& read, const store::CoverageRef& report,
                            std::optional<store::EarlierCoverage> before,
                            const store::ContentStore& content) {
  StageCoverage told;
  told.report = report;
  told.before = std::move(before);
  told.all_files = read.files.size();
  told.problems = first_problems(read.problems, "coverage report");
  std::optional<coverage::ReadCoverage> earlier;
  if (told.before) {
    auto loaded = load_coverage(told.before->coverage, content);
    if (loaded.ok()) earlier = std::move(*loaded);
  }
  told.files = compare_files(read.files, earlier ? &earlier->files : nullptr);
  if (told.files.size() > StageCoverage::kTold) told.files.resize(StageCoverage::kTold);
  return told;
}

}  // namespace stagebox::run
