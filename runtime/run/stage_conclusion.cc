#include "runtime/run/stage_conclusion.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/full_disk.h"
#include "runtime/run/findings/coverage_results.h"
#include "runtime/run/findings/stage_summary.h"
#include "runtime/run/kept_workspace.h"
#include "runtime/run/secret_leak.h"
#include "runtime/run/stage_outcome.h"
#include "runtime/store/runs/run_types.h"
#include "sandbox/disk_reserve_watch.h"

namespace stagebox::run {
namespace {

using base::Result;
using scheduler::StageOutcome;
using scheduler::StageState;

std::string join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : "; ") + text;
  return joined;
}

// The stage's doing, whatever its exit status.
StageOutcome failed_by(std::string detail) {
  return {.state = StageState::kFailed,
          .detail = std::move(detail),
          .cause = scheduler::FailureCause::kOther};
}

// Through the sockets of a network that it shared, a stage can have handed descriptors of its files
// to a process that lives on.
store::SourceFiles source_files(const scheduler::Stage& stage) {
  return stage.network.mode == scheduler::Network::Mode::kHost ? store::SourceFiles::kKept
                                                               : store::SourceFiles::kTaken;
}

// Whatever made the stage fail: on a full disk one need not look for it in the stage. And when it
// did not fill the disk, nor had one of its own, it can be tried again.
void blame_full_disk(StageOutcome& failure, const RunContext& run,
                     const sandbox::Scratch& scratch) {
  if (failure.state != StageState::kFailed || !base::is_disk_full(run.log_dir)) return;
  failure.detail += "; the disk of " + run.log_path +
                    " is full: \"stagebox gc\" frees what nothing needs any more";
  const bool could_be = failure.cause == scheduler::FailureCause::kExit && !scratch.gauge();
  if (!could_be || !sandbox::holds_next_to_nothing(scratch.fd())) return;
  failure.state = StageState::kError;
  failure.cause = scheduler::FailureCause::kInfrastructure;
}

std::uint64_t max_files(const scheduler::Stage& stage) {
  return stage.resources.outputs.value_or(kDefaultMaxOutputFiles);
}

bool was_cancelled(const Finished& finished) {
  return std::holds_alternative<sandbox::Cancelled>(finished.report.cause);
}

}  // namespace

Result<StageOutcome> StageConclusion::conclude(Finished finished, StageCaches& caches) {
  const std::optional<TestResults> tests = TRY(keep_tests(finished));
  TRY(keep_coverage(finished));
  TRY(keep_summary(finished));
  const bool forgiven = tests && passes_by_quarantine(stage_, finished.report, *tests);
  auto failure = find_failure(finished.report, tests, forgiven);
  Capture capture;
  {
    LeftWorkspace left(finished.scratch, mounts_);
    if (!failure) capture = TRY(take_outputs(left, caches));
    if (!capture.problems.empty()) failure = failed_by(join(capture.problems));
    if (failure) blame_full_disk(*failure, run_, finished.scratch);
    if (failure && failure->state == StageState::kFailed) {
      keep_outputs_of_failure(left, *failure);
      // First: of what is kept for `shell` the files are taken.
      caches.save(StageCaches::After::kFailure, stage_, left, secrets(), stop_);
      keep_left(left);
    }
  }
  TRY(finished.scratch.destroy());
  if (failure) return *failure;
  record_.outputs = std::move(capture.outputs);
  // What passed only by quarantine is nothing to build on another time.
  return StageOutcome{StageState::kSucceeded,
                      forgiven ? finished.report.describe() + "; only quarantined tests failed"
                               : note_in_cache(finished)};
}

// What it made is there, with or without a record: it is no reason to make it again now.
std::string StageConclusion::note_in_cache(const Finished& finished) const {
  const auto noted = run_.cache.record(stage_, prepared_.keys.own, result_of(finished));
  if (noted.ok()) return "";
  return "it could not be recorded in the stage cache, so it runs again another time: " +
         base::with_remedy(noted.error());
}

Result<void> StageConclusion::give_up(Finished& finished, StageOutcome& failure) {
  {
    LeftWorkspace left(finished.scratch, mounts_);
    if (failure.state == StageState::kFailed) keep_outputs_of_failure(left, failure);
    keep_left(left);
  }
  return finished.scratch.destroy();
}

Result<std::optional<TestResults>> StageConclusion::keep_tests(const Finished& finished) {
  if (stage_.tests.empty() || was_cancelled(finished)) return std::optional<TestResults>();
  TestResults results = TRY(read_test_results(stage_, finished.scratch.workspace_fd(), run_.reports,
                                              {masking_.of_words(), run_.masking()}));
  const store::TestReportRef stored = TRY(store_test_results(results, run_.content));
  record_.tests = told_tests(stage_, results, stored);
  return std::optional(std::move(results));
}

Result<void> StageConclusion::keep_coverage(const Finished& finished) {
  if (stage_.coverage.empty() || was_cancelled(finished)) return {};
  const coverage::ReadCoverage read =
      TRY(read_coverage(stage_, finished.scratch.workspace_fd(), run_.reports, run_.masking()));
  const store::CoverageRef stored = TRY(store_coverage(read, run_.content));
  record_.coverage = told_coverage(
      read, stored, coverage_before(run_.coverage, run_.run_id, stage_.id), run_.content);
  return {};
}

Result<void> StageConclusion::keep_summary(const Finished& finished) {
  if (stage_.summary.empty() || was_cancelled(finished)) return {};
  TakenSummary taken = TRY(take_summary(stage_, finished.scratch.workspace_fd(), run_.reports,
                                        {masking_.of_words(), run_.masking()}, run_.content));
  record_.summary = taken.summary;
  std::ranges::move(taken.problems, std::back_inserter(record_.warnings));
  return {};
}

// Why the sandbox's end or its reports fail the stage, if they do.
std::optional<StageOutcome> StageConclusion::find_failure(const sandbox::ExitReport& report,
                                                          const std::optional<TestResults>& tests,
                                                          bool forgiven) const {
  if (!report.succeeded() && !forgiven) {
    StageOutcome outcome = outcome_of(report);
    if (tests) add_tests(*tests, outcome);
    return outcome;
  }
  std::vector<std::string> problems;
  if (tests) problems = record_.tests->problems;
  if (record_.coverage) std::ranges::copy(record_.coverage->problems, std::back_inserter(problems));
  if (!problems.empty()) return failed_by(join(problems));
  return std::nullopt;
}

// What the stage declared, and its caches; or what is wrong with it.
Result<Capture> StageConclusion::take_outputs(LeftWorkspace& left, StageCaches& caches) const {
  const std::vector<scheduler::Output> outputs = stage_.results();
  const WorkspaceView workspace = TRY(left.view_for(outputs));
  const CaptureOptions options{
      .source_files = source_files(stage_), .max_files = max_files(stage_), .stop = stop_};
  if (secrets() != nullptr) {
    const auto leaks = TRY(find_secrets(outputs, workspace, *secrets(), options.max_files, stop_));
    if (!leaks.empty()) return Capture{{}, {join(leaks) + "; nothing of it was stored"}};
  }
  Capture capture = TRY(capture_outputs(outputs, workspace, run_.content, options));
  if (capture.problems.empty())
    caches.save(StageCaches::After::kSuccess, stage_, left, secrets(), stop_);
  return capture;
}

// Whatever is wrong with them, the stage has failed before: it is told, and no more.
void StageConclusion::keep_outputs_of_failure(LeftWorkspace& left, StageOutcome& failure) {
  auto taken = take_outputs_of_failure(left);
  const auto tell = [&failure](const std::string& why) {
    failure.detail += "; of what it declared for failures not all was kept: " + why;
  };
  if (!taken.ok()) return tell(base::with_remedy(taken.error()));
  if (!taken->problems.empty()) tell(join(taken->problems));
  for (const store::StoredOutput& output : taken->outputs) failure.left.push_back(output.name);
  record_.outputs = std::move(taken->outputs);
}

// Those with a secret are left out; what is left of the workspace is still needed.
Result<Capture> StageConclusion::take_outputs_of_failure(LeftWorkspace& left) const {
  std::vector<scheduler::Output> outputs = stage_.left_by_failure();
  if (outputs.empty()) return Capture{};
  const WorkspaceView workspace = TRY(left.view_for(outputs));
  const CaptureOptions options{
      .max_files = max_files(stage_), .missing = CaptureOptions::Missing::kIsFine, .stop = stop_};
  std::vector<std::string> leaks;
  if (secrets() != nullptr) {
    std::vector<scheduler::Output> clean;
    for (scheduler::Output& output : outputs) {
      const auto found =
          TRY(find_secrets({output}, workspace, *secrets(), options.max_files, stop_));
      std::ranges::copy(found, std::back_inserter(leaks));
      if (found.empty()) clean.push_back(std::move(output));
    }
    outputs = std::move(clean);
  }
  Capture capture = TRY(capture_outputs(outputs, workspace, run_.content, options));
  capture.problems.insert(capture.problems.begin(), leaks.begin(), leaks.end());
  return capture;
}

void StageConclusion::keep_left(LeftWorkspace& left) {
  record_.workspace =
      keep_workspace(left, prepared_.inputs, run_.content, secrets(), source_files(stage_), stop_);
}

store::StageResult StageConclusion::result_of(const Finished& finished) const {
  store::StageResult result{record_.outputs, run_.run_id, record_.log_path,
                            finished.report.usage.wall, store::timestamp_now()};
  if (record_.tests) result.tests = record_.tests->report;
  if (record_.coverage) result.coverage = record_.coverage->report;
  if (record_.summary) result.summary = record_.summary->report;
  return result;
}

}  // namespace stagebox::run
