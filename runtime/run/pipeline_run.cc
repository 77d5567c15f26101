#include "runtime/run/pipeline_run.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "runtime/base/files.h"
#include "runtime/base/random_id.h"
#include "runtime/run/report_json.h"

namespace stagebox::run {
namespace {

using base::Result;
using scheduler::RunResult;
using scheduler::StageState;

constexpr std::size_t kRunIdChars = 12;

store::StageState stored_state(StageState state) {
  switch (state) {
    case StageState::kPending:
    case StageState::kReady:
      return store::StageState::kPending;
    case StageState::kRunning:
      return store::StageState::kRunning;
    case StageState::kSucceeded:
      return store::StageState::kSucceeded;
    case StageState::kCached:
      return store::StageState::kCached;
    case StageState::kFailed:
    case StageState::kAllowedFailure:
      return store::StageState::kFailed;
    case StageState::kSkipped:
      return store::StageState::kSkipped;
    case StageState::kCancelled:
      return store::StageState::kCancelled;
    case StageState::kError:
      break;
  }
  return store::StageState::kError;
}

store::RunState stored_result(RunResult result) {
  switch (result) {
    case RunResult::kSuccess:
      return store::RunState::kSucceeded;
    case RunResult::kFailed:
      return store::RunState::kFailed;
    case RunResult::kCancelled:
      return store::RunState::kCancelled;
    case RunResult::kError:
      break;
  }
  return store::RunState::kError;
}

// Writes each change down before it is told. A failure to write is kept for the end: the run goes
// on.
class Recorder final : public scheduler::RunObserver {
 public:
  Recorder(const store::RunStore& runs, std::string run_id, const StageRecords& records,
           RunListener& listener)
      : runs_(runs), run_id_(std::move(run_id)), records_(records), listener_(listener) {}

  void on_stage_state(const scheduler::PlannedStage& planned,
                      const scheduler::StageOutcome& outcome) override {
    if (outcome.state == StageState::kReady) return;
    store::StageRow& row = rows_[planned.index];
    row.run_id = run_id_;
    row.stage = planned.stage.id;
    row.state = stored_state(outcome.state);
    row.reason = outcome.detail;
    const auto now = store::timestamp_now();
    if (outcome.state == StageState::kRunning) {
      row.started_at = now;
      row.attempts = 1;
    }
    std::optional<StageRecord> record;
    if (scheduler::is_final(outcome.state)) {
      row.ended_at = now;
      record = records_.get(planned.stage.id);
      if (record) fill(row, *record);
    }
    auto written =
        runs_.record_stage(row, record ? record->outputs : std::vector<store::StoredOutput>());
    if (!written.ok() && failure_.ok()) failure_ = std::move(written);
    const auto elapsed = row.started_at ? now - *row.started_at : std::chrono::milliseconds(0);
    listener_.on_stage(planned, outcome, record ? &*record : nullptr, elapsed);
  }

  Result<void> take_failure() { return std::move(failure_); }

 private:
  static void fill(store::StageRow& row, const StageRecord& record) {
    if (!record.key.is_zero()) row.stage_key = record.key;
    row.log_path = record.log_path;
    row.cached_from = record.cached_from;
    if (record.report) row.exit_report = report_json(*record.report);
  }

  const store::RunStore& runs_;
  std::string run_id_;
  const StageRecords& records_;
  RunListener& listener_;
  std::map<std::size_t, store::StageRow> rows_;
  Result<void> failure_;
};

struct LogDir {
  base::UniqueFd fd;
  std::string path;
};

Result<LogDir> make_log_dir(const store::Home& home, const std::string& run_id) {
  const base::UniqueFd logs = TRY(home.subdirectory("logs"));
  TRY(base::make_dir_at(logs.get(), run_id, 0700));
  base::UniqueFd fd =
      TRY(base::open_beneath(logs.get(), run_id, O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
  return LogDir{std::move(fd), home.path() + "/logs/" + run_id};
}

// What can be known to be wrong before anything runs: inputs that are not there, images that cannot
// be used.
Result<void> preflight(const scheduler::Plan& plan, int project_fd, const std::string& project,
                       ImageProvider& images) {
  std::string missing;
  for (const scheduler::PlannedStage& planned : plan.stages()) {
    for (const scheduler::Input& input : planned.stage.inputs) {
      const auto* host = std::get_if<scheduler::HostPath>(&input.source);
      if (host == nullptr) continue;
      const auto found =
          base::open_beneath(project_fd, host->path.display(), O_PATH, base::Links::kFollowBeneath);
      if (found.ok()) continue;
      missing += (missing.empty() ? "" : "\n") + ("stage " + planned.stage.id) + ": the input " +
                 project + "/" + host->path.str() +
                 " cannot be used: " + base::errno_text(found.error().errno_value);
    }
  }
  if (!missing.empty()) return base::not_found(std::move(missing));
  for (const scheduler::PlannedStage& planned : plan.stages()) {
    auto image = images.get(planned.stage.image);
    if (!image.ok()) return image.error().with_context("image " + planned.stage.image);
  }
  return {};
}

FinishedStages finished_stages(const std::optional<store::RunDetails>& resumed) {
  FinishedStages finished;
  if (!resumed) return finished;
  for (const store::StageRow& row : resumed->stages) {
    const bool done =
        row.state == store::StageState::kSucceeded || row.state == store::StageState::kCached;
    if (!done || !row.stage_key) continue;
    FinishedStage& stage = finished[row.stage];
    stage.key = *row.stage_key;
    stage.log_path = row.log_path;
    for (const store::OutputRow& output : resumed->outputs) {
      if (output.stage == row.stage) stage.outputs.push_back(output.output);
    }
  }
  return finished;
}

Result<void> record_beginning(LocalEngine& engine, const PipelineRunRequest& request,
                              const std::string& run_id) {
  store::RunRecord run;
  run.id = run_id;
  run.pipeline = request.pipeline.name;
  run.file = request.file;
  run.started_at = store::timestamp_now();
  run.pid = ::getpid();
  run.instance = engine.instance();
  run.request = request.request;
  return request.resumed ? engine.runs().reopen_run(run) : engine.runs().begin_run(run);
}

}  // namespace

Result<scheduler::RunSummary> run_pipeline(LocalEngine& engine, const PipelineRunRequest& request,
                                           RunListener& listener) {
  const std::string fresh_id = TRY(base::random_hex(kRunIdChars));
  const std::string run_id = request.resumed ? request.resumed->run.id : fresh_id;
  const std::string project = std::filesystem::path(request.file).parent_path().string();
  const base::UniqueFd project_fd = TRY(base::open_path(project, O_RDONLY | O_DIRECTORY));
  ImageProvider images(request.pipeline, engine.images(), project, request.imports);
  TRY(preflight(request.plan, project_fd.get(), project, images));
  const LogDir logs = TRY(make_log_dir(engine.home(), run_id));
  StageRecords records;
  const auto seccomp = TRY(engine.seccomp());
  const StageCache cache(engine.actions(), engine.content(), request.cache,
                         finished_stages(request.resumed), run_id);
  LocalStageRunner runner(StageServices{engine.launcher(), images, engine.content(), cache, records,
                                        seccomp, run_id, project_fd.get(), project, logs.fd.get(),
                                        logs.path});
  TRY(record_beginning(engine, request, run_id));
  listener.on_run_started(run_id);
  Recorder recorder(engine.runs(), run_id, records, listener);
  scheduler::Scheduler scheduler(request.plan, runner, recorder, request.options, request.cancel);
  scheduler::RunSummary summary = scheduler.run();
  TRY(engine.runs().finish_run(run_id, stored_result(summary.result), store::timestamp_now()));
  TRY(recorder.take_failure());
  return summary;
}

}  // namespace stagebox::run
