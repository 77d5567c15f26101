#include "runtime/run/pipeline_run.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <set>

#include "runtime/base/files.h"
#include "runtime/base/full_disk.h"
#include "runtime/base/random_id.h"
#include "runtime/base/shortage.h"
#include "runtime/run/run_recorder.h"
#include "runtime/run/stage/stage_inputs.h"
#include "runtime/run/stage_estimates.h"
#include "runtime/run/state/log_archivist.h"

namespace stagebox::run {
namespace {

using base::Result;
using scheduler::RunResult;

constexpr std::size_t kRunIdChars = 12;

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

std::string why_unusable(int errno_value) {
  return errno_value == EXDEV ? kInputLeadsOut : "cannot be used: " + base::errno_text(errno_value);
}

// A line for each input from the host that cannot be used; empty: all can.
Result<std::string> unusable_inputs(const scheduler::Plan& plan, int project_fd,
                                    const std::string& project) {
  std::string lines;
  for (const scheduler::PlannedStage& planned : plan.stages()) {
    if (!planned.stage.condition) continue;
    for (const scheduler::Input& input : planned.stage.inputs) {
      const auto* host = std::get_if<scheduler::HostPath>(&input.source);
      if (host == nullptr) continue;
      const auto found =
          base::open_beneath(project_fd, host->path.display(), O_PATH, base::Links::kFollowBeneath);
      if (found.ok()) continue;
      if (base::is_shortage(found.error().errno_value))
        return found.error().with_context("stage " + planned.stage.id);
      lines += (lines.empty() ? "" : "\n") + ("stage " + planned.stage.id) + ": the input " +
               project + "/" + host->path.str() + " " + why_unusable(found.error().errno_value);
    }
  }
  return lines;
}

Result<void> check_images(const scheduler::Plan& plan, ImageProvider& images) {
  for (const scheduler::PlannedStage& planned : plan.stages()) {
    if (!planned.stage.condition) continue;
    for (const std::string& name : planned.stage.image_names()) {
      auto image = images.get(name);
      if (!image.ok()) return image.error().with_context("image " + name);
    }
  }
  return {};
}

// What can be known to be wrong before anything runs: inputs that are not there, images that cannot
// be used.
Result<void> preflight(const scheduler::Plan& plan, int project_fd, const std::string& project,
                       ImageProvider& images) {
  std::string unusable = TRY(unusable_inputs(plan, project_fd, project));
  if (!unusable.empty()) return base::not_found(std::move(unusable));
  return check_images(plan, images);
}

/// By stage the last of its attempts; in the order of those they are listed.
template <typename Ref>
std::map<std::string_view, const store::ReportRow<Ref>*> last_rows(
    const std::vector<store::ReportRow<Ref>>& rows) {
  std::map<std::string_view, const store::ReportRow<Ref>*> last;
  for (const store::ReportRow<Ref>& row : rows) last[row.stage] = &row;
  return last;
}

FinishedStages finished_stages(const std::optional<store::RunDetails>& resumed) {
  FinishedStages finished;
  if (!resumed) return finished;
  const auto tests = last_rows(resumed->tests);
  const auto coverage = last_rows(resumed->coverage);
  const auto summaries = last_rows(resumed->summaries);
  for (const store::StageRow& row : resumed->stages) {
    if (!store::has_succeeded(row.state) || !row.stage_key) continue;
    FinishedStage& stage = finished[row.stage];
    stage.key = *row.stage_key;
    stage.cached_key = row.cached_key;
    store::StageResult& result = stage.result;
    result.run_id = row.cached_from.empty() ? row.run_id : row.cached_from;
    result.log_path = row.log_path;
    if (const auto found = tests.find(row.stage); found != tests.end())
      result.tests = found->second->report;
    if (const auto found = coverage.find(row.stage); found != coverage.end())
      result.coverage = found->second->report;
    if (const auto found = summaries.find(row.stage);
        found != summaries.end() && is_of_last_attempt(*found->second, row))
      result.summary = found->second->report;
  }
  for (const store::OutputRow& row : resumed->outputs) {
    if (const auto found = finished.find(row.stage); found != finished.end())
      found->second.result.outputs.push_back(row.output);
  }
  return finished;
}

std::map<std::string, std::int64_t> earlier_attempts(
    const std::optional<store::RunDetails>& resumed) {
  std::map<std::string, std::int64_t> numbers;
  if (!resumed) return numbers;
  for (const store::AttemptRow& attempt : resumed->attempts)
    numbers[attempt.stage] = attempt.number;
  return numbers;
}

// What a resumed run has on record of stages that its pipeline has no more.
std::vector<std::string> gone_stages(const store::RunDetails& resumed,
                                     const scheduler::Plan& plan) {
  std::set<std::string> planned;
  for (const scheduler::PlannedStage& stage : plan.stages()) planned.insert(stage.stage.id);
  std::vector<std::string> gone;
  for (const store::StageRow& row : resumed.stages) {
    if (!planned.contains(row.stage)) gone.push_back(row.stage);
  }
  return gone;
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
  run.domain = request.domain;
  if (!request.resumed) return engine.runs().begin_run(run);
  return engine.runs().reopen_run(run, gone_stages(*request.resumed, request.plan));
}

// That the runner named; empty: none.
std::string project_name(const scheduler::Pipeline& pipeline) {
  const std::size_t end = pipeline.name.find(scheduler::kProjectSeparator);
  return end == std::string::npos ? "" : pipeline.name.substr(0, end);
}

CacheServices cache_services(LocalEngine& engine, const PipelineRunRequest& request,
                             const std::string& run_id) {
  return {engine.runs().caches(),
          engine.content(),
          request.domain,
          request.permit.policy(),
          recorded_name(request.pipeline, request.file),
          run_id};
}

// From now on DiskSync waits for the disk.
void defer_syncs(LocalEngine& engine) {
  engine.content().defer_syncs();
  engine.actions().defer_syncs();
}

// Content first: what is recorded should be there, although it need not be.
Result<void> sync_all(LocalEngine& engine, store::UnsyncedFiles& logs) {
  TRY(engine.content().sync());
  TRY(engine.actions().sync());
  TRY(logs.sync());
  return engine.runs().sync();
}

// What a run recorded and stored, once more where the disk or the database did not take it.
Result<void> finish_writing(RunRecorder& recorder, LogArchivist& archivist, DiskSync& disk) {
  auto recorded = recorder.finish();
  archivist.finish();
  auto synced = disk.finish();
  if (!recorded.ok()) recorded = recorder.finish();
  TRY(std::move(recorded));
  return synced.ok() ? synced : disk.finish();
}

// A run whose record is not whole has not ended well, or nothing would be left to resume.
Result<void> end_run(LocalEngine& engine, const std::string& run_id, RunResult result,
                     base::Durable durable, Result<void> written) {
  const store::Timestamp now = store::timestamp_now();
  auto ended = written.ok()
                   ? engine.runs().finish_run(run_id, stored_result(result), now, durable)
                   : engine.runs().finish_broken_run(run_id, now, "its end could not be recorded");
  // A run that is over must not look as if it still went on, with a full disk for example.
  if (!ended.ok()) engine.leave_to_recovery();
  TRY(std::move(ended));
  return written;
}

// One that could not be carried out must not look as if it still went on.
void end_broken_run(LocalEngine& engine, const std::string& run_id, const base::Error& why) {
  const auto ended = engine.runs().finish_broken_run(run_id, store::timestamp_now(), why.message);
  if (!ended.ok()) engine.leave_to_recovery();
}

// Of a run that is on record, from its first stage to its end.
Result<scheduler::RunSummary> carry_out(LocalEngine& engine, const PipelineRunRequest& request,
                                        const std::string& run_id, const StageCache& cache,
                                        scheduler::StageRunner& runner, StageRecords& records,
                                        LogArchivist& archivist, DiskSync& disk,
                                        RunListener& listener) {
  // How long an untrusted run took must not decide in which order trusted ones run.
  const auto durations = request.domain.trust() == base::Trust::kTrusted
                             ? RunRecorder::Durations::kKept
                             : RunRecorder::Durations::kForgotten;
  RunRecorder recorder(engine.runs(), run_id, cache, records, listener, disk,
                       earlier_attempts(request.resumed), durations);
  scheduler::SchedulerOptions options = request.options;
  options.estimates = TRY(
      stage_estimates(request.plan, engine.runs(), recorded_name(request.pipeline, request.file)));
  listener.on_estimates(options.estimates);
  scheduler::Scheduler scheduler(request.plan, runner, recorder, options, request.cancel);
  scheduler::RunSummary summary = TRY(scheduler.run());
  auto written = finish_writing(recorder, archivist, disk);
  const auto durable = disk.was_used() ? base::Durable::kNow : base::Durable::kLater;
  TRY(end_run(engine, run_id, summary.result, durable, std::move(written)));
  if (const auto cached = recorder.finish_cache(); !cached.ok())
    listener.on_warning(
        "results could not be written to the stage cache, so their stages run again another "
        "time: " +
        base::with_remedy(cached.error()));
  return summary;
}

}  // namespace

Result<std::string> new_run_id() { return base::random_hex(kRunIdChars); }

Result<scheduler::RunSummary> run_pipeline(LocalEngine& engine, const PipelineRunRequest& request,
                                           RunListener& listener) {
  const std::string fresh_id = TRY(new_run_id());
  const std::string run_id = request.resumed ? request.resumed->run.id : fresh_id;
  const std::string project = std::filesystem::path(request.file).parent_path().string();
  const base::UniqueFd project_fd = TRY(base::open_path(project, O_RDONLY | O_DIRECTORY));
  ImageProvider images(request.pipeline, engine.images(), project, request.domain.trust(),
                       request.imports);
  if (request.memo != nullptr) request.memo->look_at_archives(request.pipeline, project_fd.get());
  TRY(preflight(request.plan, project_fd.get(), project, images));
  const LogDir logs = TRY(make_log_dir(engine.home(), run_id));
  StageRecords records;
  StageMasks masks;
  store::UnsyncedFiles unsynced_logs(logs.fd.get());
  LogArchivist archivist(logs.fd.get());
  DiskSync disk([&engine, &unsynced_logs] { return sync_all(engine, unsynced_logs); });
  defer_syncs(engine);
  const auto seccomp = TRY(engine.seccomp(request.denied_calls));
  const store::CoverageStore coverage = engine.runs().coverage();
  const StageCache cache(engine.actions(), engine.content(), request.cache,
                         finished_stages(request.resumed));
  LocalStageRunner runner(
      RunContext{engine.launcher(),
                 images,
                 engine.content(),
                 cache,
                 coverage,
                 records,
                 seccomp,
                 run_id,
                 request.domain,
                 request.permit,
                 request.secrets,
                 masks,
                 engine.home().fd(),
                 project_fd.get(),
                 project,
                 logs.fd.get(),
                 logs.path,
                 unsynced_logs,
                 archivist,
                 request.options.jobs,
                 listener.wants_output() ? logs::LastLine::kKept : logs::LastLine::kUnneeded,
                 cache_services(engine, request, run_id),
                 engine.reports(),
                 request.memo != nullptr ? &request.memo->inputs() : nullptr,
                 project_name(request.pipeline),
                 [&engine] { return engine.undo_dead(); }},
      request.plan);
  TRY(record_beginning(engine, request, run_id));
  RunListener& told = request.memo != nullptr ? *request.memo : listener;
  told.on_run_started(run_id);
  auto summary = carry_out(engine, request, run_id, cache, runner, records, archivist, disk, told);
  if (!summary.ok()) {
    end_broken_run(engine, run_id, summary.error());
    return summary;
  }
  if (request.memo != nullptr)
    request.memo->finish({request.pipeline, request.plan, images, project_fd.get()});
  return summary;
}

}  // namespace stagebox::run
