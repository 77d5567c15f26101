#include "runtime/run/stage_requests.h"

#include <chrono>
#include <utility>

#include "runtime/run/engine/secret_delivery.h"
#include "runtime/run/jobserver.h"
#include "runtime/run/stage/stage_spec.h"
#include "runtime/run/state/run_logs.h"

namespace stagebox::run {
namespace {

using base::Result;

// A database that is new takes some seconds for its first start, on a slow machine many.
constexpr std::chrono::milliseconds kDefaultReadyTimeout = std::chrono::seconds(60);

// A ceiling for times bounds this one too.
std::chrono::milliseconds ready_timeout(const scheduler::ServiceReady& ready,
                                        const Policy& policy) {
  const auto wanted = ready.timeout.value_or(kDefaultReadyTimeout);
  return policy.capped(std::optional(wanted)).value_or(wanted);
}

}  // namespace

Result<LaunchRequest> StageRequests::of_stage(StreamEnds output) const {
  LaunchRequest request(run_.permit);
  StageSpec spec = make_sandbox_spec(stage_, prepared_.command, prepared_.user, prepared_.inputs,
                                     default_rlimits(), run_.seccomp);
  request.spec = std::move(spec.sandbox);
  request.layers = &prepared_.image->rootfs.layers;
  request.working_directory = WorkingDirectory::kMade;  // As the stage key says.
  for (const std::size_t index : spec.mounted)
    request.inputs.push_back(
        TRY(open_content(run_.content, prepared_.inputs[index], prepared_.ids())));
  TRY(give_streams(std::move(output), request));
  TRY(add_secrets(stage_.secrets, request));
  if (stage_.jobserver) add_jobserver_variable(request.spec.command.environment, run_.jobs);
  request.supervision.timeout = stage_.timeout;
  return request;
}

Result<std::vector<ServiceLaunch>> StageRequests::of_services(
    const logs::LogWriter& stage_log) const {
  std::vector<ServiceLaunch> launches;
  for (const PreparedService& service : prepared_.services)
    launches.push_back(TRY(of_service(service, stage_log)));
  return launches;
}

Result<ServiceLaunch> StageRequests::of_service(const PreparedService& service,
                                                const logs::LogWriter& stage_log) const {
  LaunchRequest request(run_.permit);
  request.spec = make_service_spec(stage_, *service.service, service.command, service.user,
                                   default_rlimits(), run_.seccomp);
  request.layers = &service.image->rootfs.layers;
  StreamPipes output = TRY(make_stream_pipes());
  TRY(give_streams(std::move(output.write), request));
  TRY(add_secrets(service.service->secrets, request));
  logs::LogWriter log = TRY(logs::LogWriter::create(
      run_.log_dir, stage_log.stem() + kServiceMark + service.service->name, run_.log_path));
  run_.unsynced_logs.add(log.stem() + ".log");
  const scheduler::ServiceReady& ready = service.service->ready;
  return ServiceLaunch{service.service->name,
                       ready,
                       ready_timeout(ready, run_.permit.policy()),
                       std::move(request),
                       std::move(output.read),
                       std::move(log)};
}

Result<void> StageRequests::add_secrets(const std::vector<scheduler::StageSecret>& secrets,
                                        LaunchRequest& request) const {
  for (const scheduler::StageSecret& secret : secrets) {
    if (!run_.secrets.has(secret.name))
      return base::invalid("the secret " + secret.name + " was not given to this run");
    TRY(add_secret(secret, run_.secrets, request));
  }
  return {};
}

}  // namespace stagebox::run
