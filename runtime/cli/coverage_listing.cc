#include "runtime/cli/coverage_listing.h"

#include <nlohmann/json.hpp>

#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include "runtime/cli/coverage_lines.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/json_text.h"
#include "runtime/run/findings/coverage_json.h"
#include "runtime/run/findings/run_coverage.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using base::Result;
using coverage::Counts;
using nlohmann::json;

std::string all_counts(const Counts& counts) {
  const std::string branches = branch_counts(counts);
  return line_counts(counts) + (branches.empty() ? "" : ", " + branches);
}

std::vector<run::ComparedFile> compared(const run::MeasuredStage& stage) {
  return run::compare_files(stage.coverage.files,
                            stage.files_before ? &*stage.files_before : nullptr);
}

/// What became of a file since the run that is compared with; empty where there is none.
std::string change_of(const run::ComparedFile& file, const run::MeasuredStage& stage) {
  if (file.before) return line_change(file.now, *file.before);
  return stage.files_before ? "new" : "";
}

void print_stage(const run::MeasuredStage& stage) {
  const Counts now = run::counts_of(stage.report);
  std::cout << scheduler::escape_controls(stage.stage) << ": " << all_counts(now);
  if (stage.before) {
    const std::string change = line_change(now, run::counts_of(stage.before->coverage));
    if (!change.empty()) std::cout << ", " << change << " against run " << stage.before->run_id;
  }
  if (stage.attempt == 0) std::cout << " (taken from the stage cache)";
  if (stage.attempt > 1) std::cout << " (attempt " << stage.attempt << ')';
  std::cout << '\n';
  for (const std::string& problem : stage.coverage.problems)
    std::cout << "  " << scheduler::escape_controls(problem) << '\n';
  for (const run::ComparedFile& file : compared(stage)) {
    const std::string change = change_of(file, stage);
    std::cout << "  " << std::right << std::setw(7)
              << percent(file.now.lines_covered, file.now.lines) << std::setw(8) << change << "  "
              << scheduler::escape_controls(file.path) << " (" << file.now.lines_covered << " of "
              << file.now.lines << ")\n";
  }
}

void print_total(const run::TotalCoverage& total) {
  std::cout << "all: " << all_counts(total.now);
  const std::string change = total.before ? line_change(total.now, *total.before) : "";
  if (!change.empty()) std::cout << ", " << change;
  std::cout << '\n';
}

json measured_json(const run::MeasuredStage& stage) {
  json document = json::parse(run::coverage_json(run::counts_of(stage.report)));
  document["stage"] = stage.stage;
  document["attempt"] = stage.attempt;
  document["cached"] = stage.attempt == 0;
  document["problems"] = stage.coverage.problems;
  if (stage.before) document["before"] = json::parse(run::coverage_json(*stage.before));
  document["files"] = json::array();
  for (const run::ComparedFile& file : compared(stage))
    document["files"].push_back(json::parse(run::coverage_json(file)));
  return document;
}

}  // namespace

Result<int> list_coverage(const TestsOptions& options, const run::StoredState& state,
                          const store::RunDetails& details) {
  const auto stages =
      TRY(run::measured_stages(details, options.stage, state.runs().coverage(), state.content()));
  const run::TotalCoverage total = run::total_coverage(stages);
  if (options.format == OutputFormat::kJson) {
    json document{{"run", details.run.id}, {"stages", json::array()}};
    for (const run::MeasuredStage& stage : stages)
      document["stages"].push_back(measured_json(stage));
    document["total"] = json::parse(run::coverage_json(total.now));
    if (total.before) document["total"]["before"] = json::parse(run::coverage_json(*total.before));
    std::cout << pretty(document);
    return kSuccess;
  }
  for (const run::MeasuredStage& stage : stages) print_stage(stage);
  if (stages.size() > 1) print_total(total);
  if (stages.empty())
    std::cout << "no stage of run " << details.run.id << " has coverage reports\n";
  return kSuccess;
}

}  // namespace stagebox::cli
