#include "runtime/run/findings/coverage_results.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/printable.h"
#include "runtime/base/utf8.h"
#include "runtime/coverage/coverage_builder.h"
#include "runtime/run/findings/report_files.h"
#include "runtime/run/secrets/secret_masker.h"
#include "runtime/run/stage/stage_command.h"
#include "runtime/test_reports/clean_text.h"

namespace stagebox::run {
namespace {

using base::Result;
using coverage::CoverageLimits;
using coverage::ReadCoverage;

constexpr std::string_view kPrefix = coverage::kWorkspacePrefix;
static_assert(kPrefix.substr(1, kPrefix.size() - 2) == kWorkspace);

constexpr std::size_t kMostStoredCoverage = std::size_t{64} << 20U;

// The numbers say nothing, and no message quotes a report: what is left are names of files. Two may
// have become one.
void mask_names(ReadCoverage& coverage, const SecretAutomaton& secrets) {
  for (coverage::SourceFile& file : coverage.files)
    file.path = base::cut_end(masked(secrets, file.path), CoverageLimits::kPath);
  coverage.files = coverage::unite(std::move(coverage.files));
  for (std::string& problem : coverage.problems) problem = masked(secrets, problem);
}

// What the worker said of each file becomes sentences after those of the search.
std::vector<std::string> sentences(FoundReports& found, const std::vector<std::string>& said) {
  std::vector<std::string> problems = std::move(found.problems);
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (!said[i].empty())
      problems.push_back("the coverage report " + base::printable(found.files[i].path) +
                         " is not whole: " + said[i]);
  }
  return problems;
}

}  // namespace

Result<ReadCoverage> read_coverage(const scheduler::Stage& stage, int workspace_fd,
                                   const ReportReader& reader, const SecretAutomaton* secrets) {
  FoundReports found = TRY(find_reports(stage.coverage, workspace_fd));
  ReadCoverage coverage;
  auto read = reader.read_coverage(found.files);
  if (read.ok()) {
    coverage.files = std::move(read->files);
    coverage.problems = sentences(found, read->problems);
  } else if (read.error().kind == base::ErrorKind::kInvalid) {
    coverage.problems = std::move(found.problems);
    coverage.problems.push_back(read.error().message);
  } else {
    return std::move(read).error();
  }
  if (secrets != nullptr) mask_names(coverage, *secrets);
  return coverage;
}

Result<store::CoverageRef> store_coverage(const ReadCoverage& coverage,
                                          const store::ContentStore& content) {
  ReadCoverage stored{coverage.files, {}};
  for (const std::string& problem : coverage.problems)
    stored.problems.push_back(test_reports::clean_text(problem));
  const coverage::Counts counts = coverage::count(coverage.files);
  store::CoverageRef report;
  report.blob = TRY(content.put_bytes(coverage::encode_coverage(stored)));
  report.lines = counts.lines;
  report.lines_covered = counts.lines_covered;
  report.branches = counts.branches;
  report.branches_covered = counts.branches_covered;
  return report;
}

Result<ReadCoverage> load_coverage(const store::CoverageRef& report,
                                   const store::ContentStore& content) {
  const std::string bytes = TRY(content.read_blob(report.blob.digest, kMostStoredCoverage));
  return coverage::decode_coverage(bytes);
}

}  // namespace stagebox::run
