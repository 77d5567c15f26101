#include "runtime/run/stage_execution.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "runtime/logs/log_archive.h"
#include "runtime/run/jobserver.h"
#include "runtime/run/secrets/masked_log.h"
#include "runtime/run/stage_conclusion.h"
#include "runtime/run/stage_connections.h"
#include "runtime/run/stage_outcome.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using scheduler::StageOutcome;
using scheduler::StageState;

StageOutcome blame(const ServiceFailure& failure, StageRecord& record) {
  record.failed_service = FailedService{failure.service, failure.log_path, failure.log_tail};
  // It was ended by us, which says nothing about it.
  if (record.report && std::holds_alternative<sandbox::Cancelled>(record.report->cause))
    record.report.reset();
  if (failure.error) return outcome_of(*failure.error);
  return {.state = StageState::kFailed,
          .detail = failure.what,
          .cause = scheduler::FailureCause::kService};
}

}  // namespace

Result<StageOutcome> StageExecution::execute() {
  logs::LogWriter log = TRY(begin_log());
  StageCaches caches =
      TRY(StageCaches::restore(run_.caches, stage_, prepared_.inputs, prepared_.ids()));
  StreamPipes output = TRY(make_stream_pipes());
  LaunchRequest request = TRY(requests_.of_stage(std::move(output.write)));
  caches.add_mounts(request);
  const CopyOnWriteMounts mounts = TRY(CopyOnWriteMounts::of(request));
  const auto connections = TRY(StageConnections::open(run_, stage_, log, request));
  const auto services = TRY(add_services(log, request));
  auto launched = launch(std::move(request), std::move(output.read), log);
  if (services) services->stop();
  archive(log);
  if (services) std::ranges::for_each(services->logs(), [&](const auto* one) { archive(*one); });
  if (launched.ok()) {
    record_.report = launched->report;
    record_.connections = launched->connections;
    TRY(connections.keep(record_));
  }
  const auto failure =
      services && !attempt_.cancel.cancelled() ? services->failure() : std::nullopt;
  const StageMasking masking = TRY(StageMasking::make(run_, stage_));
  auto outcome = conclude(std::move(launched), failure, mounts, masking, caches);
  record_.caches = caches.take_reports(run_.masking());
  // An escape that is undone can make a mask of what was none, too.
  record_.annotations = told_annotations(watch_->annotations(), masking.of_words());
  put_first(record_.annotations, record_.warnings);
  if (!outcome.ok() || outcome->state == StageState::kFailed) record_.log_tail = log.tail();
  return outcome;
}

// A service that failed is to blame, whatever the stage did.
Result<StageOutcome> StageExecution::conclude(Result<Finished> launched,
                                              const std::optional<ServiceFailure>& failure,
                                              const CopyOnWriteMounts& mounts,
                                              const StageMasking& masking,
                                              StageCaches& caches) const {
  StageConclusion conclusion(run_, stage_, prepared_, mounts, masking, record_,
                             attempt_.cancel.stop_token());
  if (!failure) return conclusion.conclude(TRY(std::move(launched)), caches);
  StageOutcome outcome = blame(*failure, record_);
  if (launched.ok()) TRY(conclusion.give_up(*launched, outcome));
  return outcome;
}

// On record from the beginning: it can be read while the stage runs, and when we die meanwhile.
Result<logs::LogWriter> StageExecution::begin_log() {
  logs::LogWriter log = TRY(logs::LogWriter::create(run_.log_dir, stage_.id, run_.log_path));
  record_.log_path = log.path();
  run_.records.put_begun(stage_.id,
                         {record_.log_path, watch_, std::exchange(record_.decision, std::nullopt)});
  attempt_.begins();
  run_.unsynced_logs.add(".");
  run_.unsynced_logs.add(log.stem() + ".log");
  return log;
}

// The stage's services, which `request` will start, or nullptr.
Result<std::unique_ptr<ServiceGroup>> StageExecution::add_services(const logs::LogWriter& log,
                                                                   LaunchRequest& request) const {
  if (prepared_.services.empty()) return std::unique_ptr<ServiceGroup>();
  auto group = TRY(ServiceGroup::make(run_.launcher, TRY(requests_.of_services(log)),
                                      run_.masking(), attempt_.cancel.poll_fd()));
  request.supervision.lost_fd = group->lost_fd();
  request.before_start = [&services = *group, &own = stage_.network](int network) -> Result<void> {
    SharedNetwork shared{network_kind(own), own.allow, UniqueFd()};
    if (network >= 0) shared.network_namespace = TRY(base::duplicate(network));
    return services.start(shared);
  };
  return group;
}

// Until its last process is dead; `output` is where its streams can be read.
Result<Finished> StageExecution::launch(LaunchRequest request, StreamEnds output,
                                        logs::LogWriter& log) {
  MaskedLog masked_log(log, run_.masking(), watch_.get(), &run_.added_masks(stage_));
  request.supervision.cancel_fd = attempt_.cancel.poll_fd();
  request.supervision.hurry_fd = attempt_.cancel.hurry_fd();
  keep_streams(std::move(output), masked_log, request.supervision);
  std::optional<scheduler::JobTokens::Loan> tokens;
  request.prepare = [&](sandbox::Scratch& scratch) -> Result<void> {
    TRY(copy_overlay_files(prepared_.inputs, run_.content, scratch));
    if (!stage_.jobserver) return {};
    UniqueFd fifo = TRY(make_jobserver_fifo(scratch));
    tokens.emplace(TRY(attempt_.tokens.lend(std::move(fifo), most_tokens(stage_, run_.jobs))));
    return {};
  };
  auto launched = run_.launcher.run(std::move(request));
  tokens.reset();
  TRY(masked_log.finish(end_of_streams(launched)));
  record_.warnings = masked_log.refusals();
  TRY(end_log(log, launched, "the stage"));
  return launched;
}

// When nobody writes it any more.
void StageExecution::archive(const logs::LogWriter& log) const {
  if (log.size() >= logs::kSmallestArchived) run_.archivist.add(log.stem() + ".log");
}

}  // namespace stagebox::run
