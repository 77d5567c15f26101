#include "runtime/cli/null_run.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/cli/console.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/run_request.h"
#include "runtime/run/engine/host_state.h"
#include "runtime/run/findings/stage_coverage.h"
#include "runtime/run/findings/stage_summary.h"
#include "runtime/run/memo/memo_check.h"
#include "runtime/run/memo/memo_store.h"
#include "runtime/run/pipeline_run.h"
#include "runtime/run/policy/policy_files.h"
#include "runtime/run/stage_record.h"
#include "runtime/store/instance_lock.h"

namespace stagebox::cli {
namespace {

using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Every option is named here, so that a new one does not compile until somebody has said what it
// means for a run that is answered without looking at the pipeline: it is part of the question, or
// such a run goes the ordinary way.
bool may_be_answered(const RunOptions& options) {
  [[maybe_unused]] const auto& [pipeline, trust, secrets, project, stages, jobs, on_failure,
                                timeout, no_cache, explain_syscalls, dry_run, format, reports] =
      options;
  [[maybe_unused]] const auto& [file, params] = pipeline;
  const auto& [level, domain, policy] = trust;
  const auto& [display, events, trace, page] = reports;
  const bool trusted = !domain && level.value_or(base::Trust::kTrusted) == base::Trust::kTrusted;
  // Events and a report have more to say of a stage than a memo has.
  const bool told_to_people = format == OutputFormat::kText && display != Display::kLive &&
                              events.empty() && trace.empty() && page.empty();
  return trusted && !policy && secrets.empty() && no_cache.empty() && !timeout && !dry_run &&
         !explain_syscalls && told_to_people;
}

void add(std::string& question, std::string_view text) {
  question.append(std::to_string(text.size())).append(" ").append(text).append("\n");
}

// Byte for byte, each text after its length: no two commands have one question.
std::string question_of(const RunOptions& options, const std::string& file,
                        const base::TrustDomain& domain) {
  std::string question = "run of user " + std::to_string(::geteuid()) + "\n";
  for (const std::string& text : {file, domain.text(), options.project.value_or("")})
    add(question, text);
  const bool keeps_going = options.on_failure == OnFailure::kKeepGoing;
  question += std::to_string(options.jobs) + (keeps_going ? " keep-going " : " fail-fast ") +
              std::to_string(options.pipeline.params.size()) + " params\n";
  for (const auto& [name, value] : options.pipeline.params) {
    add(question, name);
    add(question, value);
  }
  for (const std::string& stage : options.stages) add(question, stage);
  return question;
}

Result<bool> somebody_died(const store::Home& home) {
  const auto dead = TRY(store::InstanceLock::dead(home));
  if (!dead.empty()) return true;
  // What an import left that was killed; see ImageStore::recover().
  const auto imports =
      base::open_beneath(home.fd(), "images/tmp", O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
  if (!imports.ok()) return true;
  const auto left = TRY(base::list_dir(imports->get()));
  return !left.empty();
}

// Where it was recorded; none when the run whose stages they are has gone.
std::optional<store::RunStore> record(const store::Home& home, const run::RunMemo& memo,
                                      const RunOptions& options, const std::string& run_id,
                                      store::Timestamp started_at) {
  auto runs = store::RunStore::open(home.run_database());
  if (!runs.ok()) return std::nullopt;
  store::RunRecord run;
  run.id = run_id;
  run.pipeline = memo.pipeline;
  run.file = memo.file;
  run.started_at = started_at;
  run.ended_at = store::timestamp_now();
  run.state = store::RunState::kSucceeded;
  run.pid = ::getpid();
  run.request = encode_request(request_of(options));
  run.stages_of = memo.run_id;
  if (!runs->record_shared_run(run, memo.shared).ok()) return std::nullopt;
  return std::move(*runs);
}

// What a stage that was taken from the cache has to tell beside that.
std::optional<run::StageRecord> record_of(const run::MemoStage& stage,
                                          const store::CoverageStore& coverage,
                                          const std::string& run_id) {
  if (!stage.coverage && !stage.summary) return std::nullopt;
  run::StageRecord record;
  if (stage.coverage)
    record.coverage = run::StageCoverage{
        .report = *stage.coverage, .before = run::coverage_before(coverage, run_id, stage.id)};
  if (stage.summary) record.summary = run::StageSummary{*stage.summary};
  return record;
}

void tell(const run::RunMemo& memo, const store::RunStore& runs, const std::string& run_id,
          steady_clock::time_point start) {
  const store::CoverageStore coverage = runs.coverage();
  std::size_t width = 0;
  for (const run::MemoStage& stage : memo.stages) width = std::max(width, stage.id.size());
  const auto console = make_console(std::cout, width, colour_of_stdout());
  std::cerr << memo.warning;
  console->on_run_started(run_id);
  scheduler::RunSummary summary;
  scheduler::Stage stage;
  const scheduler::PlannedStage planned{.stage = stage};
  for (const run::MemoStage& known : memo.stages) {
    stage.id = known.id;
    scheduler::StageOutcome outcome;
    outcome.state =
        known.is_skipped ? scheduler::StageState::kSkipped : scheduler::StageState::kCached;
    outcome.detail = known.detail;
    const auto told = record_of(known, coverage, run_id);
    console->on_stage(planned, outcome, told ? &*told : nullptr, milliseconds(0));
    summary.stages.push_back(std::move(outcome));
  }
  console->on_run_finished(summary,
                           std::chrono::duration_cast<milliseconds>(steady_clock::now() - start));
}

}  // namespace

std::optional<run::MemoBeginning> null_run_question(const RunOptions& options,
                                                    const base::TrustDomain& domain) {
  if (!may_be_answered(options)) return std::nullopt;
  std::error_code error;
  // As it was given: "link/../file" may be another file than "file".
  const auto path = std::filesystem::absolute(options.pipeline.file, error);
  if (error) return std::nullopt;
  const std::string file = path.string();
  // Of this program: another one may make other keys. Of the machine's user ids: which users a
  // sandbox can have.
  const std::vector<std::string> looked_at{file, "/proc/self/exe", run::kMachinePolicy,
                                           "/etc/subuid", "/etc/subgid"};
  return run::begin_memo(question_of(options, file, domain), looked_at,
                         path.lexically_normal().parent_path().string());
}

Result<std::optional<int>> answer_null_run(const RunOptions& options,
                                           const run::MemoBeginning& beginning) {
  using Answer = std::optional<int>;
  const auto start = steady_clock::now();
  const auto started_at = store::timestamp_now();
  const auto home = run::existing_home();
  if (!home) return Answer();
  const auto memo = run::load_memo(home->fd(), beginning.question);
  if (!memo || !run::still_holds(*memo, beginning.question, beginning.clock, home->fd()))
    return Answer();
  const auto died = somebody_died(*home);
  if (!died.ok() || *died) return Answer();
  const std::string run_id = TRY(run::new_run_id());
  const auto runs = record(*home, *memo, options, run_id, started_at);
  if (!runs) return Answer();
  tell(*memo, *runs, run_id, start);
  return Answer(kSuccess);
}

}  // namespace stagebox::cli
