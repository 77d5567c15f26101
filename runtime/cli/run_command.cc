#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>
#include <stop_token>
#include <thread>

#include "runtime/base/full_disk.h"
#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/dry_run.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/import_display.h"
#include "runtime/cli/interrupts.h"
#include "runtime/cli/limit_warning.h"
#include "runtime/cli/null_run.h"
#include "runtime/cli/pipeline_file.h"
#include "runtime/cli/run_reports.h"
#include "runtime/cli/run_request.h"
#include "runtime/cli/secret_options.h"
#include "runtime/cli/trust_options.h"
#include "runtime/run/engine/permit.h"
#include "runtime/run/explanation.h"
#include "runtime/run/explanation_text.h"
#include "runtime/run/memo/memo_rules.h"
#include "runtime/run/pipeline_run.h"
#include "runtime/run/policy/policy_files.h"
#include "runtime/run/state/stored_state.h"
#include "runtime/store/home.h"
#include "sandbox/cgroup/machine_share.h"
#include "scheduler/capacity.h"

namespace stagebox::cli {
namespace {

using base::Result;

int status_of(scheduler::RunResult result) {
  switch (result) {
    case scheduler::RunResult::kSuccess:
      return kSuccess;
    case scheduler::RunResult::kFailed:
      return kStageFailed;
    case scheduler::RunResult::kCancelled:
      return kInterrupted;
    case scheduler::RunResult::kError:
      break;
  }
  return kOurFailure;
}

// What could not be written is an error; but that a stage failed is the graver news. (An Error of
// ours that is the input's fault, a missing input or a broken image, is told as such: 2.)
Result<int> end_of(scheduler::RunResult result, RunReports& reports) {
  auto told = reports.finish();
  if (told.ok()) return status_of(result);
  if (result != scheduler::RunResult::kFailed) return std::move(told).error();
  std::cerr << "stagebox: " << base::with_remedy(told.error()) << '\n';
  return status_of(result);
}

unsigned job_count(const RunOptions& options) {
  if (options.jobs != 0) return static_cast<unsigned>(options.jobs);
  return std::max(1U, std::thread::hardware_concurrency());
}

run::Networking networking_of(const scheduler::Plan& plan) {
  const bool any = std::ranges::any_of(plan.stages(), [](const scheduler::PlannedStage& planned) {
    return planned.stage.network.mode == scheduler::Network::Mode::kAllow;
  });
  return any ? run::Networking::kYes : run::Networking::kNo;
}

run::CacheUse cache_use_of(const RunOptions& options) {
  return {std::ranges::find(options.no_cache, kEveryStage) != options.no_cache.end(),
          options.no_cache};
}

// A name that is misspelt would go unnoticed otherwise.
Result<void> check_no_cache(const RunOptions& options, const scheduler::Pipeline& pipeline) {
  for (const std::string& name : options.no_cache) {
    if (name == kEveryStage) continue;
    const auto found = scheduler::make_plan(pipeline, {name});
    if (!found.ok()) return found.error().with_context("--no-cache=" + name);
  }
  return {};
}

Result<store::RunRecord> find_run_to_resume(const std::string& text) {
  const run::StoredState state = TRY(run::StoredState::open(run::Recovery::kRunsOnly));
  store::RunRecord run = TRY(state.runs().find_run(text));
  // Whoever died has been buried when the state was opened.
  if (run.state == store::RunState::kRunning)
    return base::invalid("the run " + run.id + " is going on, as process " +
                         std::to_string(run.pid));
  return run;
}

// It stays as it is, for its record says what was done. Who resumes whatever was killed has what he
// wants; who wants it told as it goes on has not.
Result<int> leave_as_it_ended(const store::RunRecord& run, const ResumeOptions& options) {
  const std::string ended = "the run " + run.id + " has ended well: nothing of it is left to do";
  const ReportOptions& reports = options.reports;
  const bool wants_telling = options.format == OutputFormat::kJson || !reports.events.empty() ||
                             !reports.trace.empty() || !reports.page.empty();
  if (wants_telling) return base::invalid(ended + ", and nothing to report");
  std::cout << ended << '\n';
  return kSuccess;
}

Result<void> check_project(const RunOptions& options) {
  constexpr std::size_t kLongest = 128;
  if (!options.project) return {};
  const auto is_known = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_.-/").find(c) != std::string_view::npos;
  };
  const std::string& name = *options.project;
  if (!name.empty() && name.size() <= kLongest && std::ranges::all_of(name, is_known)) return {};
  return base::invalid("--project: " + base::printable(name) +
                       " is not 1 to 128 of the characters A-Z a-z 0-9 _ . - /");
}

// With the name of the project, if there is one.
Result<LoadedPipeline> load(const RunOptions& options, base::Trust trust) {
  LoadedPipeline loaded = TRY(load_pipeline(options.pipeline, trust));
  if (options.project)
    loaded.pipeline.name =
        *options.project + std::string(scheduler::kProjectSeparator) + loaded.pipeline.name;
  return loaded;
}

// Resuming does as the run was told; only `--jobs` may be another.
RunOptions options_of(const RunRequest& request, const std::string& file) {
  RunOptions options;
  options.pipeline.file = file;
  options.pipeline.params = request.params;
  options.stages = request.stages;
  options.jobs = request.jobs;
  options.on_failure = request.on_failure;
  options.no_cache = request.no_cache;
  options.explain_syscalls = request.explain_syscalls;
  options.timeout = request.timeout;
  options.trust.policy = request.policy;
  options.project = request.project;
  return options;
}

Result<std::optional<std::chrono::milliseconds>> timeout_of(const RunOptions& options,
                                                            const scheduler::Pipeline& pipeline) {
  if (!options.timeout) return std::optional(pipeline.timeout);
  const auto timeout = base::parse_duration(*options.timeout);
  if (timeout.ok() && timeout->count() > 0) return std::optional(*timeout);
  return base::invalid("--timeout must be a duration of more than 0, found " +
                       base::printable(*options.timeout) + "; write for example 90s, 10m or 1h30m");
}

Result<scheduler::SchedulerOptions> scheduling_of(const RunOptions& options,
                                                  const LoadedPipeline& loaded,
                                                  const scheduler::Plan& plan) {
  const sandbox::MachineShare machine = sandbox::machine_share();
  scheduler::SchedulerOptions scheduling;
  scheduling.jobs = job_count(options);
  scheduling.fail_policy = options.on_failure == OnFailure::kFailFast
                               ? scheduler::FailPolicy::kFailFast
                               : scheduler::FailPolicy::kKeepGoing;
  scheduling.seed = std::random_device()();
  scheduling.capacity = {.cpus = machine.cpus,
                         .memory = machine.memory,
                         .processors = machine.processors,
                         .open_files = machine.open_files};
  const auto home = store::Home::resolve(store::HomeRequest::of_process());
  if (const auto disk = home.ok() ? store::Home::disk_size(*home) : std::nullopt)
    scheduling.capacity.disk = *disk;
  scheduling.timeout = TRY(timeout_of(options, loaded.pipeline));
  scheduler::Diagnostics mistakes(options.pipeline.file);
  scheduler::check_capacity(plan, scheduling.capacity, mistakes);
  if (!mistakes.empty()) return base::invalid(describe_mistakes(mistakes));
  return scheduling;
}

Result<run::Permit> permit_run(const RunOptions& options, base::Trust trust,
                               const LoadedPipeline& loaded, const scheduler::Plan& plan) {
  run::PolicySources sources;
  sources.file = options.trust.policy;
  sources.project = std::filesystem::path(loaded.path).parent_path().string();
  const run::Policy policy = TRY(run::load_policy(trust, sources));
  return run::permit(policy, plan, loaded.pipeline);
}

// In words, for the report; what cannot be told is left out. An untrusted run's report may be given
// to whoever wrote the pipeline, and a comparison would show values of trusted runs.
report::HtmlReport::Explain explainer(run::LocalEngine& engine, base::Trust trust) {
  if (trust == base::Trust::kUntrusted) return {};
  return [&engine](const std::string& run, const std::string& stage) -> std::string {
    const store::DecisionStore decisions = engine.runs().decisions();
    const auto found = run::explain({engine.runs(), decisions, engine.content()}, run, stage);
    return found.ok() ? run::answer(*found) : "";
  };
}

report::HtmlReport::Sources report_sources(run::LocalEngine& engine, base::Trust trust) {
  return {explainer(engine, trust), [&engine](const store::SummaryRef& summary) {
            return run::load_summary(summary, engine.content());
          }};
}

std::string warned_of_limits(run::LocalEngine& engine) {
  std::string warning =
      warning_of_missing_limits({}, engine.cgroups(), "stages that declare no limit");
  std::cerr << warning;
  return warning;
}

Result<int> carry_out(const RunOptions& options, const base::TrustDomain& domain,
                      const LoadedPipeline& loaded, const scheduler::Plan& plan,
                      const std::optional<std::string>& resumed,
                      std::optional<run::MemoBeginning> beginning) {
  const run::Permit permit = TRY(permit_run(options, domain.trust(), loaded, plan));
  // Before anything is forked: nobody else gets a copy of them.
  const run::Secrets secrets =
      TRY(load_secrets(options.secrets, permit.policy(), loaded.pipeline, plan, options.dry_run));
  const auto scheduling = TRY(scheduling_of(options, loaded, plan));
  if (options.dry_run) return dry_run(loaded, plan);
  const auto engine = TRY(run::LocalEngine::open({.networking = networking_of(plan)}));
  const scheduler::CancelToken token = TRY(scheduler::CancelToken::create());
  // Before signals are: a file of events can be a FIFO, whose reader is waited for.
  RunReports reports = TRY(RunReports::open(
      options.reports, options.format, engine->home(), plan, scheduling.jobs, token,
      {loaded.pipeline.name, loaded.path, domain, plan.size(), resumed.has_value()},
      report_sources(*engine, domain.trust())));
  const std::stop_source stop_imports;
  const Interrupts interrupts = TRY(Interrupts::watch([token, stop_imports] {
    stop_imports.request_stop();
    token.cancelled() ? token.hurry() : token.cancel();
  }));
  ImportDisplay import_display;
  import_display.tell_first(warning_of_lost_owners(*engine->ids()));
  const std::string warning = warned_of_limits(*engine);
  std::optional<store::RunDetails> details;
  if (resumed) details = TRY(engine->runs().show_run(*resumed));
  std::optional<run::MemoWriter> memo;
  if (beginning && run::may_be_remembered(loaded.pipeline, plan))
    memo.emplace(std::move(*beginning), warning, *engine, reports.listener());
  const auto start = std::chrono::steady_clock::now();
  const run::PipelineRunRequest request{
      loaded.pipeline,
      plan,
      loaded.path,
      domain,
      permit,
      secrets,
      scheduling,
      cache_use_of(options),
      options.explain_syscalls ? sandbox::DeniedCalls::kReported : sandbox::DeniedCalls::kAnswered,
      token,
      encode_request(request_of(options)),
      std::move(details),
      {&import_display, stop_imports.get_token()},
      memo ? &*memo : nullptr};
  const scheduler::RunSummary summary =
      TRY(run::run_pipeline(*engine, request, reports.listener()));
  reports.listener().on_run_finished(summary, std::chrono::duration_cast<std::chrono::milliseconds>(
                                                  std::chrono::steady_clock::now() - start));
  return end_of(summary.result, reports);
}

}  // namespace

Result<int> run_command(const RunOptions& options) {
  RunOptions wanted = options;
  wanted.trust = TRY(with_absolute_policy(options.trust));
  TRY(check_project(wanted));
  const base::TrustDomain domain = TRY(domain_of(wanted.trust));
  auto beginning = null_run_question(wanted, domain);
  if (beginning) {
    const auto answered = TRY(answer_null_run(wanted, *beginning));
    if (answered) return *answered;
  }
  const LoadedPipeline loaded = TRY(load(wanted, domain.trust()));
  TRY(check_no_cache(wanted, loaded.pipeline));
  const scheduler::Plan plan = TRY(scheduler::make_plan(loaded.pipeline, wanted.stages));
  return carry_out(wanted, domain, loaded, plan, std::nullopt, std::move(beginning));
}

Result<int> resume_command(const ResumeOptions& options) {
  const store::RunRecord recorded = TRY(find_run_to_resume(options.run));
  if (recorded.state == store::RunState::kSucceeded) return leave_as_it_ended(recorded, options);
  const RunRequest request = TRY(decode_request(recorded.request));
  RunOptions wanted = options_of(request, recorded.file);
  if (options.jobs != 0) wanted.jobs = options.jobs;
  wanted.format = options.format;
  wanted.reports = options.reports;
  wanted.secrets = options.secrets;
  // As trusted as the run was begun, whatever has changed since.
  const base::TrustDomain& domain = recorded.domain;
  const LoadedPipeline loaded = TRY(load(wanted, domain.trust()));
  const scheduler::Plan plan = TRY(scheduler::make_plan(loaded.pipeline, wanted.stages));
  return carry_out(wanted, domain, loaded, plan, recorded.id, std::nullopt);
}

}  // namespace stagebox::cli
