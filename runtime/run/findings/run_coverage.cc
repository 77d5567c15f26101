#include "runtime/run/findings/run_coverage.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "runtime/run/findings/coverage_results.h"
#include "runtime/run/findings/last_report.h"

namespace stagebox::run {

using base::Result;
using coverage::SourceFile;

Result<std::vector<MeasuredStage>> measured_stages(const store::RunDetails& details,
                                                   const std::string& stage,
                                                   const store::CoverageStore& store,
                                                   const store::ContentStore& content) {
  std::vector<MeasuredStage> found;
  const auto rows = TRY(last_reports(details, details.coverage, stage, "coverage", "coverage"));
  for (const store::CoverageRow* row : rows) {
    MeasuredStage measured{row->stage, attempt_of(details, *row), row->report, {}, {}, {}};
    measured.coverage = TRY(load_coverage(row->report, content));
    measured.before = TRY(store.last_trusted(details.run.id, row->stage));
    if (measured.before) {
      auto earlier = load_coverage(measured.before->coverage, content);
      if (earlier.ok()) measured.files_before = std::move(earlier->files);
    }
    found.push_back(std::move(measured));
  }
  return found;
}

TotalCoverage total_coverage(const std::vector<MeasuredStage>& stages) {
  std::vector<SourceFile> now;
  std::vector<SourceFile> before;
  bool has_before = !stages.empty();
  for (const MeasuredStage& stage : stages) {
    std::ranges::copy(stage.coverage.files, std::back_inserter(now));
    has_before = has_before && stage.files_before;
    if (has_before) std::ranges::copy(*stage.files_before, std::back_inserter(before));
  }
  TotalCoverage total{coverage::count(coverage::unite(std::move(now))), std::nullopt};
  if (has_before) total.before = coverage::count(coverage::unite(std::move(before)));
  return total;
}

}  // namespace stagebox::run
