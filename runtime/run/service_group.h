// ServiceGroup: the services of one attempt of a stage, each in a sandbox beside the stage's and on
// a thread of its own. They start together, are ready before the stage starts, and end with it.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/logs/log_writer.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/secrets/secret_automaton.h"
#include "runtime/run/service_ready.h"
#include "runtime/run/stage_streams.h"
#include "scheduler/cancel_token.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// One service, all but its network.
struct ServiceLaunch {
  std::string name;
  scheduler::ServiceReady ready;
  std::chrono::milliseconds ready_timeout{};
  LaunchRequest request;
  StreamEnds output;  ///< Where its streams can be read.
  logs::LogWriter log;
};

/// Why the stage failed because of a service.
struct ServiceFailure {
  std::string service;
  std::string what;                  ///< "the service db was not ready within 60s".
  std::optional<base::Error> error;  ///< When it was us who failed, not the service.
  std::string log_path;
  logs::LogTail log_tail;  ///< Its last lines.
};

class ServiceGroup {
 public:
  /// `launcher` and `secrets`, which may be nullptr, outlive the group. `cancel_fd` is readable
  /// when the stage is cancelled.
  static base::Result<std::unique_ptr<ServiceGroup>> make(Launcher& launcher,
                                                          std::vector<ServiceLaunch> services,
                                                          const SecretAutomaton* secrets,
                                                          int cancel_fd);
  /// As stop().
  ~ServiceGroup();
  ServiceGroup(const ServiceGroup&) = delete;
  ServiceGroup& operator=(const ServiceGroup&) = delete;

  /// Starts all and returns when all are ready. With an Error at least one is not: kCancelled, or
  /// what failure() tells after stop(). Once.
  base::Result<void> start(const SharedNetwork& network);
  /// Readable when a service has ended that nobody stopped.
  [[nodiscard]] int lost_fd() const { return lost_.poll_fd(); }
  /// Ends all of them, SIGTERM first, and returns when nothing of them is left.
  void stop();
  /// After stop(): the first thing that a service did which a service must not do.
  [[nodiscard]] std::optional<ServiceFailure> failure() const;
  /// After stop(): what nobody writes any more. They live as long as the group.
  [[nodiscard]] std::vector<const logs::LogWriter*> logs() const;

 private:
  struct Member {
    explicit Member(ServiceLaunch from) : launch(std::move(from)) {}
    ServiceLaunch launch;
    std::thread thread;
    bool ready = false;
    bool late = false;
    bool ended = false;
    std::string last_check;  ///< Why it was not ready.
    std::optional<base::Error> error;
    std::optional<sandbox::ExitReport> report;
  };
  enum class Progress { kWaiting, kReady, kFailed };

  ServiceGroup(Launcher& launcher, const SecretAutomaton* secrets, int cancel_fd,
               scheduler::CancelToken stop, scheduler::CancelToken lost, base::UniqueFd changed)
      : launcher_(launcher),
        secrets_(secrets),
        cancel_fd_(cancel_fd),
        stop_(std::move(stop)),
        lost_(std::move(lost)),
        changed_(std::move(changed)) {}

  void run(Member& member);
  base::Result<sandbox::ExitReport> launch(Member& member);
  void on_verdict(Member& member, ReadyVerdict verdict);
  void tell_change() const;
  base::Result<void> await_ready(std::chrono::steady_clock::time_point since);
  Progress progress(std::chrono::steady_clock::time_point since, std::chrono::milliseconds& wait);
  [[nodiscard]] static std::optional<ServiceFailure> failure_of(const Member& member);

  Launcher& launcher_;
  const SecretAutomaton* secrets_;
  int cancel_fd_;
  scheduler::CancelToken stop_;
  scheduler::CancelToken lost_;
  base::UniqueFd changed_;  ///< An event: something in members_ changed.
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Member>> members_;  ///< What changes in them is guarded.
};

}  // namespace stagebox::run
