#include "runtime/run/local_stage_runner.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/units.h"
#include "runtime/logs/log_archive.h"
#include "runtime/run/coverage_results.h"
#include "runtime/run/jobserver.h"
#include "runtime/run/kept_workspace.h"
#include "runtime/run/limits_json.h"
#include "runtime/run/run_logs.h"
#include "runtime/run/secret_delivery.h"
#include "runtime/run/secret_leak.h"
#include "runtime/run/secrets/masked_log.h"
#include "runtime/run/secrets/secret_masker.h"
#include "runtime/run/stage_key.h"
#include "runtime/run/stage_outcome.h"
#include "runtime/run/stage_spec.h"
#include "runtime/run/stage_streams.h"
#include "runtime/store/run_types.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using scheduler::StageOutcome;
using scheduler::StageState;

constexpr std::size_t kTailLines = 30;
// A database that is new takes some seconds for its first start, on a slow machine many.
constexpr std::chrono::milliseconds kDefaultReadyTimeout = std::chrono::seconds(60);

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

// A ceiling for times bounds this one too.
std::chrono::milliseconds ready_timeout(const scheduler::ServiceReady& ready,
                                        const Policy& policy) {
  const auto wanted = ready.timeout.value_or(kDefaultReadyTimeout);
  return policy.capped(std::optional(wanted)).value_or(wanted);
}

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

// Through the sockets of a network that it shared, a stage can have handed descriptors of its files
// to a process that lives on.
store::SourceFiles source_files(const scheduler::Stage& stage) {
  return stage.network.mode == scheduler::Network::Mode::kHost ? store::SourceFiles::kKept
                                                               : store::SourceFiles::kTaken;
}

bool was_cancelled(const Finished& finished) {
  return std::holds_alternative<sandbox::Cancelled>(finished.report.cause);
}

// Why the sandbox's end or its reports fail the stage, if they do.
std::optional<StageOutcome> find_failure(const sandbox::ExitReport& report,
                                         const std::optional<TestResults>& tests, bool forgiven,
                                         const StageRecord& record) {
  if (!report.succeeded() && !forgiven) {
    StageOutcome outcome = outcome_of(report);
    if (tests) add_tests(*tests, outcome);
    return outcome;
  }
  std::vector<std::string> problems;
  if (tests) problems = record.tests->problems;
  if (record.coverage) std::ranges::copy(record.coverage->problems, std::back_inserter(problems));
  if (!problems.empty()) return failed_by(join(problems));
  return std::nullopt;
}

}  // namespace

// What is known of a stage before it is decided whether it has to run.
struct LocalStageRunner::Prepared {
  std::shared_ptr<const OpenImage> image;
  std::vector<ResolvedInput> inputs;
  std::vector<PreparedService> services;
  ResolvedUser user;
  StageCommand command;
  StageKeys keys;
  std::vector<std::string> messages;  ///< What the key is the digest of.
};

StageOutcome LocalStageRunner::run(const scheduler::PlannedStage& planned,
                                   const scheduler::StageAttempt& attempt) {
  const scheduler::Stage& stage = planned.stage;
  StageOutcome outcome = run_or_take(stage, attempt);
  if (const SecretAutomaton* secrets = secrets_of(stage))
    outcome.detail = masked(*secrets, outcome.detail);
  return outcome;
}

StageOutcome LocalStageRunner::run_or_take(const scheduler::Stage& stage,
                                           const scheduler::StageAttempt& attempt) {
  StageRecord record;
  record.stage = stage.id;
  auto prepared = prepare(stage);
  if (!prepared.ok()) {
    services_.records.put(stage.id, std::nullopt);
    return outcome_of(prepared.error());
  }
  record.key = prepared->keys.own;
  if (auto cached = from_cache(stage, prepared->keys, record)) {
    services_.records.put(stage.id, std::move(record));
    return *cached;
  }
  record.decision = decision_on(stage, record, std::move(prepared->messages));
  auto outcome = execute(stage, *prepared, attempt, record);
  services_.records.put(stage.id, std::move(record));
  if (!outcome.ok()) return outcome_of(outcome.error());
  return *outcome;
}

Result<LocalStageRunner::Prepared> LocalStageRunner::prepare(const scheduler::Stage& stage) {
  Prepared prepared;
  prepared.image = TRY(services_.images.get(stage.image));
  const images::Image& image = prepared.image->image;
  prepared.inputs = TRY(resolve_inputs(stage, services_.project_fd, services_.project_path,
                                       outputs_, services_.content, services_.witness));
  const std::string user = stage_user(stage, image.config);
  prepared.user = TRY(users_.get(stage.image, user, prepared.image->rootfs.layers,
                                 services_.launcher.ids().layer_count()));
  prepared.command = make_stage_command(stage, image.config, prepared.user.home);
  store::ActionSpec spec =
      make_action_spec(stage, prepared.command, user, image, prepared.inputs, services_.domain);
  prepared.services = TRY(
      prepare_services(stage, services_.images, users_, services_.launcher.ids().layer_count()));
  for (const PreparedService& one : prepared.services)
    add_service(*one.service, one.image->image, one.user_text, one.command, spec);
  store::EncodedAction action = TRY(store::encode_action(spec));
  prepared.keys.own = action.action;
  prepared.messages = std::move(action.new_blobs);
  for (const base::TrustDomain& other : services_.domain.also_reads()) {
    spec.salt = action_salt(stage, other);
    const store::EncodedAction readable = TRY(store::encode_action(spec));
    prepared.keys.others.push_back(readable.action);
  }
  return prepared;
}

// For `explain` and `shell`. What was taken from the cache says so itself.
std::optional<store::NotedDecision> LocalStageRunner::decision_on(
    const scheduler::Stage& stage, const StageRecord& record,
    std::vector<std::string> messages) const {
  if (!record.verdict) return std::nullopt;
  store::Decision decision{services_.run_id,
                           record.stage,
                           record.key,
                           std::string(to_string(*record.verdict)),
                           record.verdict_detail,
                           limits_json(make_limits(stage.resources))};
  return store::NotedDecision{std::move(decision), std::move(messages)};
}

std::optional<StageOutcome> LocalStageRunner::from_cache(const scheduler::Stage& stage,
                                                         const StageKeys& keys,
                                                         StageRecord& record) {
  CacheAnswer answer = services_.cache.look_up(stage, keys);
  record.verdict = answer.verdict;
  record.verdict_detail = std::move(answer.detail);
  record.record_stamp = answer.record_stamp;
  if (!is_taken(answer.verdict)) return std::nullopt;
  record.outputs = std::move(answer.result.outputs);
  record.cached_from = answer.result.run_id;
  record.log_path = answer.result.log_path;
  if (answer.result.tests) record.tests = StageTests{.report = *answer.result.tests};
  if (answer.result.coverage)
    record.coverage =
        StageCoverage{.report = *answer.result.coverage,
                      .before = coverage_before(services_.coverage, services_.run_id, stage.id)};
  outputs_.put(stage.id, record.outputs);
  if (answer.verdict == CacheVerdict::kFinished)
    return StageOutcome{StageState::kCached, "finished before the run was interrupted"};
  return StageOutcome{StageState::kCached, "from run " + record.cached_from};
}

// All of it but what is there only while the stage runs: its log, its network and its tokens.
Result<LaunchRequest> LocalStageRunner::make_request(const scheduler::Stage& stage,
                                                     const Prepared& prepared,
                                                     StreamEnds output) const {
  LaunchRequest request(services_.permit);
  StageSpec spec = make_sandbox_spec(stage, prepared.command, prepared.user, prepared.inputs,
                                     default_rlimits(), services_.seccomp);
  request.spec = std::move(spec.sandbox);
  request.layers = &prepared.image->rootfs.layers;
  const store::StageIds ids{prepared.user.ids.uid, prepared.user.ids.gid};
  for (const std::size_t index : spec.mounted)
    request.inputs.push_back(TRY(open_content(services_.content, prepared.inputs[index], ids)));
  TRY(give_streams(std::move(output), request));
  TRY(add_secrets(stage.secrets, request));
  if (stage.jobserver) add_jobserver_variable(request.spec.command.environment, services_.jobs);
  request.supervision.timeout = stage.timeout;
  return request;
}

// Until its last process is dead; `output` is where its streams can be read.
Result<Finished> LocalStageRunner::launch(const scheduler::Stage& stage, const Prepared& prepared,
                                          const scheduler::StageAttempt& attempt,
                                          LaunchRequest request, StreamEnds output,
                                          logs::LogWriter& log, logs::LogWatch& watch) {
  MaskedLog masked_log(log, secrets_of(stage), &watch);
  request.supervision.cancel_fd = attempt.cancel.poll_fd();
  keep_streams(std::move(output), masked_log, request.supervision);
  std::optional<scheduler::JobTokens::Loan> tokens;
  request.prepare = [&](sandbox::Scratch& scratch) -> Result<void> {
    TRY(copy_overlay_files(prepared.inputs, services_.content, scratch));
    if (!stage.jobserver) return {};
    UniqueFd fifo = TRY(make_jobserver_fifo(scratch));
    tokens.emplace(TRY(attempt.tokens.lend(std::move(fifo), most_tokens(stage, services_.jobs))));
    return {};
  };
  auto launched = services_.launcher.run(std::move(request));
  tokens.reset();
  TRY(masked_log.finish());
  TRY(end_log(log, launched, "the stage"));
  return launched;
}

// On record from the beginning: it can be read while the stage runs, and when we die meanwhile.
Result<logs::LogWriter> LocalStageRunner::begin_log(const scheduler::Stage& stage,
                                                    const scheduler::StageAttempt& attempt,
                                                    std::shared_ptr<const logs::LogWatch> watch,
                                                    StageRecord& record) const {
  logs::LogWriter log =
      TRY(logs::LogWriter::create(services_.log_dir, stage.id, services_.log_path));
  record.log_path = log.path();
  services_.records.put_begun(
      stage.id, {record.log_path, std::move(watch), std::exchange(record.decision, std::nullopt)});
  attempt.begins();
  services_.unsynced_logs.add_all({".", log.stem() + ".log"});
  return log;
}

// When nobody writes it any more.
void LocalStageRunner::archive(const logs::LogWriter& log) const {
  if (log.size() >= logs::kSmallestArchived) services_.archivist.add(log.stem() + ".log");
}

Result<StageOutcome> LocalStageRunner::execute(const scheduler::Stage& stage,
                                               const Prepared& prepared,
                                               const scheduler::StageAttempt& attempt,
                                               StageRecord& record) {
  const auto watch = std::make_shared<logs::LogWatch>(services_.last_line);
  logs::LogWriter log = TRY(begin_log(stage, attempt, watch, record));
  const store::StageIds ids{prepared.user.ids.uid, prepared.user.ids.gid};
  StageCaches caches = TRY(StageCaches::restore(services_.caches, stage, prepared.inputs, ids));
  StreamPipes output = TRY(make_stream_pipes());
  LaunchRequest request = TRY(make_request(stage, prepared, std::move(output.write)));
  caches.add_mounts(request);
  const CopyOnWriteMounts mounts = TRY(CopyOnWriteMounts::of(request));
  const UniqueFd connections = TRY(add_network(stage, log, request));
  const auto services = TRY(add_services(stage, prepared, attempt, log, request));
  auto launched =
      launch(stage, prepared, attempt, std::move(request), std::move(output.read), log, *watch);
  if (services) services->stop();
  archive(log);
  if (services) std::ranges::for_each(services->logs(), [&](const auto* one) { archive(*one); });
  if (launched.ok()) TRY(note_end(stage, *launched, log, connections, record));
  auto failure = services && !attempt.cancel.cancelled() ? services->failure() : std::nullopt;
  if (failure && launched.ok()) TRY(leave(stage, prepared, mounts, *launched, record));
  auto outcome = failure ? Result<StageOutcome>(blame(*failure, record))
                         : conclude(stage, std::move(launched), prepared, mounts, caches, record);
  record.caches = caches.take_reports(secrets_of(stage));
  record.annotations = told_annotations(watch->annotations());
  if (!outcome.ok() || outcome->state == StageState::kFailed)
    record.log_tail = log.tail(kTailLines);
  return outcome;
}

Result<ServiceLaunch> LocalStageRunner::make_service(const scheduler::Stage& stage,
                                                     const PreparedService& service,
                                                     const logs::LogWriter& stage_log) const {
  LaunchRequest request(services_.permit);
  request.spec = make_service_spec(stage, *service.service, service.command, service.user,
                                   default_rlimits(), services_.seccomp);
  request.layers = &service.image->rootfs.layers;
  StreamPipes output = TRY(make_stream_pipes());
  TRY(give_streams(std::move(output.write), request));
  TRY(add_secrets(service.service->secrets, request));
  logs::LogWriter log = TRY(logs::LogWriter::create(
      services_.log_dir, stage_log.stem() + kServiceMark + service.service->name,
      services_.log_path));
  services_.unsynced_logs.add(log.stem() + ".log");
  const scheduler::ServiceReady& ready = service.service->ready;
  return ServiceLaunch{service.service->name,
                       ready,
                       ready_timeout(ready, services_.permit.policy()),
                       std::move(request),
                       std::move(output.read),
                       std::move(log)};
}

Result<std::unique_ptr<ServiceGroup>> LocalStageRunner::add_services(
    const scheduler::Stage& stage, const Prepared& prepared, const scheduler::StageAttempt& attempt,
    const logs::LogWriter& log, LaunchRequest& request) const {
  if (prepared.services.empty()) return std::unique_ptr<ServiceGroup>();
  std::vector<ServiceLaunch> launches;
  for (const PreparedService& service : prepared.services)
    launches.push_back(TRY(make_service(stage, service, log)));
  auto group = TRY(ServiceGroup::make(services_.launcher, std::move(launches), secrets_of(stage),
                                      attempt.cancel.poll_fd()));
  request.supervision.lost_fd = group->lost_fd();
  request.before_start = [&services = *group,
                          kind = network_kind(stage.network)](int network) -> Result<void> {
    SharedNetwork shared{kind, UniqueFd()};
    if (network >= 0) shared.network_namespace = TRY(base::duplicate(network));
    return services.start(shared);
  };
  return group;
}

Result<NetworkAccess> LocalStageRunner::open_network(const scheduler::Stage& stage,
                                                     const logs::LogWriter& stage_log) const {
  // What it says of a stage with secrets is masked before it gets to a disk.
  if (secrets_of(stage) != nullptr) return make_network_access(stage.network, memory_log);
  return make_network_access(stage.network, [&] { return create_connection_log(stage_log); });
}

// What is to be masked and kept of its connections afterwards; nothing of a stage without secrets.
Result<UniqueFd> LocalStageRunner::add_network(const scheduler::Stage& stage,
                                               const logs::LogWriter& stage_log,
                                               LaunchRequest& request) const {
  if (!stage.network.is_none()) request.network = TRY(open_network(stage, stage_log));
  if (!request.network || !request.network->log || secrets_of(stage) == nullptr) return UniqueFd();
  return base::duplicate(request.network->log.get());
}

Result<UniqueFd> LocalStageRunner::create_connection_log(const logs::LogWriter& stage_log) const {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_APPEND;
  const std::string name = stage_log.stem() + ".network.jsonl";
  services_.unsynced_logs.add(name);
  return base::open_beneath(services_.log_dir, name, kFlags, base::Links::kRefuse, 0600);
}

const SecretAutomaton* LocalStageRunner::secrets_of(const scheduler::Stage& stage) const {
  return stage.secret_names().empty() ? nullptr : &services_.secrets.automaton();
}

Result<void> LocalStageRunner::add_secrets(const std::vector<scheduler::StageSecret>& secrets,
                                           LaunchRequest& request) const {
  for (const scheduler::StageSecret& secret : secrets) {
    if (!services_.secrets.has(secret.name))
      return base::invalid("the secret " + secret.name + " was not given to this run");
    TRY(add_secret(secret, services_.secrets, request));
  }
  return {};
}

// A stage can have asked for a host with a name that says what nobody should read.
Result<void> LocalStageRunner::keep_connections(const scheduler::Stage& stage,
                                                const logs::LogWriter& log, int connections_fd,
                                                StageRecord& record) const {
  const SecretAutomaton& secrets = *secrets_of(stage);
  const std::string text = TRY(read_connections(connections_fd));
  const UniqueFd file = TRY(create_connection_log(log));
  TRY(base::write_all(file.get(), masked(secrets, text)));
  for (std::string& refused : record.connections.refused) refused = masked(secrets, refused);
  return {};
}

Result<void> LocalStageRunner::note_end(const scheduler::Stage& stage, const Finished& finished,
                                        const logs::LogWriter& log, const UniqueFd& connections,
                                        StageRecord& record) const {
  record.report = finished.report;
  record.connections = finished.connections;
  if (!connections) return {};
  return keep_connections(stage, log, connections.get(), record);
}

Result<std::optional<TestResults>> LocalStageRunner::keep_tests(const scheduler::Stage& stage,
                                                                const Finished& finished,
                                                                StageRecord& record) const {
  if (stage.tests.empty() || was_cancelled(finished)) return std::optional<TestResults>();
  TestResults results = TRY(read_test_results(stage, finished.scratch.workspace_fd(),
                                              services_.reports, secrets_of(stage)));
  const store::TestReportRef stored = TRY(store_test_results(results, services_.content));
  record.tests = told_tests(stage, results, stored);
  return std::optional(std::move(results));
}

Result<void> LocalStageRunner::keep_coverage(const scheduler::Stage& stage,
                                             const Finished& finished, StageRecord& record) const {
  if (stage.coverage.empty() || was_cancelled(finished)) return {};
  const coverage::ReadCoverage read = TRY(
      read_coverage(stage, finished.scratch.workspace_fd(), services_.reports, secrets_of(stage)));
  const store::CoverageRef stored = TRY(store_coverage(read, services_.content));
  record.coverage =
      told_coverage(read, stored, coverage_before(services_.coverage, services_.run_id, stage.id),
                    services_.content);
  return {};
}

void LocalStageRunner::keep_left(const scheduler::Stage& stage, const Prepared& prepared,
                                 LeftWorkspace& left, StageRecord& record) const {
  record.workspace = keep_workspace(left, prepared.inputs, services_.content, secrets_of(stage),
                                    source_files(stage));
}

Result<void> LocalStageRunner::leave(const scheduler::Stage& stage, const Prepared& prepared,
                                     const CopyOnWriteMounts& mounts, Finished& finished,
                                     StageRecord& record) const {
  {
    LeftWorkspace left(finished.scratch, mounts);
    keep_left(stage, prepared, left, record);
  }
  return finished.scratch.destroy();
}

// What the stage declared, and its caches; or what is wrong with it.
Result<Capture> LocalStageRunner::take_outputs(const scheduler::Stage& stage, LeftWorkspace& left,
                                               StageCaches& caches) const {
  const WorkspaceView workspace = TRY(left.view_for(stage.outputs));
  const std::uint64_t max_files = stage.resources.outputs.value_or(kDefaultMaxOutputFiles);
  if (const SecretAutomaton* secrets = secrets_of(stage)) {
    const auto leaks = TRY(find_secrets(stage.outputs, workspace, *secrets, max_files));
    if (!leaks.empty()) return Capture{{}, {join(leaks) + "; nothing of it was stored"}};
  }
  Capture capture = TRY(
      capture_outputs(stage.outputs, workspace, services_.content, source_files(stage), max_files));
  if (capture.problems.empty()) caches.save(stage, left, secrets_of(stage));
  return capture;
}

Result<StageOutcome> LocalStageRunner::conclude(const scheduler::Stage& stage,
                                                Result<Finished> launched, const Prepared& prepared,
                                                const CopyOnWriteMounts& mounts,
                                                StageCaches& caches, StageRecord& record) {
  Finished finished = TRY(std::move(launched));
  const std::optional<TestResults> tests = TRY(keep_tests(stage, finished, record));
  TRY(keep_coverage(stage, finished, record));
  const bool forgiven = tests && passes_by_quarantine(stage, finished.report, *tests);
  auto failure = find_failure(finished.report, tests, forgiven, record);
  Capture capture;
  {
    LeftWorkspace left(finished.scratch, mounts);
    if (!failure) capture = TRY(take_outputs(stage, left, caches));
    if (!capture.problems.empty()) failure = failed_by(join(capture.problems));
    if (failure && failure->state == StageState::kFailed) keep_left(stage, prepared, left, record);
  }
  TRY(finished.scratch.destroy());
  if (failure) return *failure;
  record.outputs = capture.outputs;
  // What passed only by quarantine is nothing to build on another time.
  if (!forgiven) {
    store::StageResult result{capture.outputs, services_.run_id, record.log_path,
                              finished.report.usage.wall, store::timestamp_now()};
    if (record.tests) result.tests = record.tests->report;
    if (record.coverage) result.coverage = record.coverage->report;
    TRY(services_.cache.record(stage, prepared.keys.own, result));
  }
  outputs_.put(stage.id, std::move(capture.outputs));
  return StageOutcome{
      StageState::kSucceeded,
      forgiven ? finished.report.describe() + "; only quarantined tests failed" : ""};
}

}  // namespace stagebox::run
