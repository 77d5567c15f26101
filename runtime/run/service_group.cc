#include "runtime/run/service_group.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/start_thread.h"
#include "runtime/base/units.h"
#include "runtime/run/secrets/masked_log.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Between SIGTERM and SIGKILL at the end. What a service wanted to keep is thrown away anyway; what
// it still says may be of use.
constexpr milliseconds kGrace{2000};

}  // namespace

Result<std::unique_ptr<ServiceGroup>> ServiceGroup::make(Launcher& launcher,
                                                         std::vector<ServiceLaunch> services,
                                                         const SecretAutomaton* secrets,
                                                         int cancel_fd) {
  auto stop = TRY(scheduler::CancelToken::create());
  auto lost = TRY(scheduler::CancelToken::create());
  UniqueFd changed(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!changed) return base::errno_error("create an event descriptor");
  std::unique_ptr<ServiceGroup> group(new ServiceGroup(
      launcher, secrets, cancel_fd, std::move(stop), std::move(lost), std::move(changed)));
  for (ServiceLaunch& service : services)
    group->members_.push_back(std::make_unique<Member>(std::move(service)));
  return group;
}

ServiceGroup::~ServiceGroup() { stop(); }

Result<void> ServiceGroup::start(const SharedNetwork& network) {
  const auto since = Clock::now();
  for (const auto& member : members_) {
    SharedNetwork own{network.kind, network.rules, UniqueFd()};
    if (network.network_namespace)
      own.network_namespace = TRY(base::duplicate(network.network_namespace.get()));
    member->launch.request.shared_network = std::move(own);
    member->thread =
        TRY(base::start_thread("start a thread for a service", [this, &member] { run(*member); }));
  }
  return await_ready(since);
}

void ServiceGroup::run(Member& member) {
  auto report = launch(member);
  {
    const std::scoped_lock lock(mutex_);
    member.ended = true;
    if (report.ok())
      member.report = std::move(*report);
    else
      member.error = report.error();
  }
  if (!stop_.cancelled()) lost_.cancel();
  tell_change();
}

Result<sandbox::ExitReport> ServiceGroup::launch(Member& member) {
  MaskedLog log(member.launch.log, secrets_);
  LaunchRequest& request = member.launch.request;
  request.supervision.cancel_fd = stop_.poll_fd();
  request.supervision.grace = kGrace;
  keep_streams(std::move(member.launch.output), log, request.supervision);
  request.on_start = [&](const Running& running, sandbox::Supervision& supervision) {
    if (running.sandbox.exec_failure()) return Result<void>();  // It never gets ready.
    supervision.watches.push_back(
        watch_ready(running, member.launch.ready, secrets_,
                    [&](ReadyVerdict verdict) { on_verdict(member, std::move(verdict)); }));
    return Result<void>();
  };
  auto finished = launcher_.run(std::move(request));
  TRY(log.finish(end_of_streams(finished)));
  TRY(end_log(member.launch.log, finished, "the service"));
  if (!finished.ok()) return finished.error();
  TRY(finished->scratch.destroy());
  return std::move(finished->report);
}

void ServiceGroup::on_verdict(Member& member, ReadyVerdict verdict) {
  // What a check finds from then on is the end that was asked for, not why it was.
  if (stop_.cancelled()) return;
  {
    const std::scoped_lock lock(mutex_);
    member.ready = verdict.ready;
    member.last_check = std::move(verdict.why);
  }
  tell_change();
}

void ServiceGroup::tell_change() const {
  const std::uint64_t one = 1;
  (void)!::write(changed_.get(), &one, sizeof(one));
}

ServiceGroup::Progress ServiceGroup::progress(Clock::time_point since, milliseconds& wait) {
  const std::scoped_lock lock(mutex_);
  const auto passed = std::chrono::duration_cast<milliseconds>(Clock::now() - since);
  bool all_ready = true;
  wait = milliseconds::max();
  for (const auto& member : members_) {
    if (member->ended) return Progress::kFailed;
    if (member->ready) continue;
    all_ready = false;
    member->late = passed >= member->launch.ready_timeout;
    if (member->late) return Progress::kFailed;
    wait = std::min(wait, member->launch.ready_timeout - passed);
  }
  return all_ready ? Progress::kReady : Progress::kWaiting;
}

Result<void> ServiceGroup::await_ready(Clock::time_point since) {
  for (milliseconds wait{};;) {
    const Progress now = progress(since, wait);
    if (now == Progress::kReady) return {};
    if (now == Progress::kFailed) return base::invalid("a service did not get ready");
    struct pollfd polled[] = {{cancel_fd_, POLLIN, 0}, {changed_.get(), POLLIN, 0}};
    const auto timeout = std::clamp<std::int64_t>(wait.count() + 1, 1, 3'600'000);
    if (::poll(polled, 2, static_cast<int>(timeout)) < 0 && errno != EINTR)
      return base::errno_error("wait for services");
    if (polled[0].revents != 0) return base::cancelled("cancelled while its services started");
    std::uint64_t changes = 0;
    (void)!::read(changed_.get(), &changes, sizeof(changes));
  }
}

void ServiceGroup::stop() {
  stop_.cancel();
  for (const auto& member : members_) {
    if (member->thread.joinable()) member->thread.join();
  }
}

std::optional<ServiceFailure> ServiceGroup::failure() const {
  const std::scoped_lock lock(mutex_);
  for (const auto& member : members_) {
    if (auto failure = failure_of(*member)) return failure;
  }
  return std::nullopt;
}

std::vector<const logs::LogWriter*> ServiceGroup::logs() const {
  std::vector<const logs::LogWriter*> logs;
  for (const auto& member : members_) logs.push_back(&member->launch.log);
  return logs;
}

std::optional<ServiceFailure> ServiceGroup::failure_of(const Member& member) {
  ServiceFailure failure;
  failure.service = member.launch.name;
  const std::string name = "the service " + member.launch.name;
  const bool stopped =
      member.report && std::holds_alternative<sandbox::Cancelled>(member.report->cause);
  if (member.late) {
    failure.what =
        name + " was not ready within " + base::format_duration(member.launch.ready_timeout);
    if (!member.last_check.empty()) failure.what += ": " + member.last_check;
  } else if (member.error) {
    failure.error = member.error->with_context(name);
  } else if (member.report && !stopped) {
    failure.what = name +
                   (member.ready ? " ended before the stage: " : " ended before it was ready: ") +
                   member.report->describe();
  } else {
    return std::nullopt;
  }
  failure.log_path = member.launch.log.path();
  failure.log_tail = member.launch.log.tail();
  return failure;
}

}  // namespace stagebox::run
