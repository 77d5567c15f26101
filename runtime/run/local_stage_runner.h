// LocalStageRunner: runs stages in sandboxes on this machine. The steps of one stage, from image to
// recorded outputs, stand here in order; each is done elsewhere.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/logs/log_writer.h"
#include "runtime/run/image_provider.h"
#include "runtime/run/launcher.h"
#include "runtime/run/log_archivist.h"
#include "runtime/run/output_capture.h"
#include "runtime/run/report_reader.h"
#include "runtime/run/secrets/secrets.h"
#include "runtime/run/service_group.h"
#include "runtime/run/stage_cache.h"
#include "runtime/run/stage_caches.h"
#include "runtime/run/stage_inputs.h"
#include "runtime/run/stage_record.h"
#include "runtime/run/stage_services.h"
#include "runtime/run/stage_streams.h"
#include "runtime/run/test_results.h"
#include "runtime/run/user_table.h"
#include "runtime/store/coverage_store.h"
#include "runtime/store/decision_store.h"
#include "runtime/store/unsynced_files.h"
#include "scheduler/stage_runner.h"

namespace stagebox::run {

/// What a run brings with it; all of it outlives the runner.
struct StageServices {
  Launcher& launcher;
  ImageProvider& images;
  store::ContentStore& content;
  const StageCache& cache;
  const store::CoverageStore& coverage;
  StageRecords& records;  ///< Told of every attempt that ended.
  std::shared_ptr<const sandbox::SeccompProgram> seccomp;
  std::string run_id;
  const base::TrustDomain& domain;
  const Permit& permit;  ///< For all stages of the run.
  const Secrets& secrets;
  int project_fd = -1;  ///< The pipeline file's directory.
  std::string project_path;
  int log_dir = -1;
  std::string log_path;
  store::UnsyncedFiles& unsynced_logs;  ///< In log_dir.
  LogArchivist& archivist;              ///< Of log_dir.
  unsigned jobs = 1;                    ///< Slots of the run.
  logs::LastLine last_line;             ///< Of what stages write.
  CacheServices caches;
  ReportReader reports;
  InputWitness* witness = nullptr;  ///< Of all inputs; may be null.
};

class LocalStageRunner final : public scheduler::StageRunner {
 public:
  explicit LocalStageRunner(StageServices services) : services_(std::move(services)) {}

  scheduler::StageOutcome run(const scheduler::PlannedStage& planned,
                              const scheduler::StageAttempt& attempt) override;

 private:
  struct Prepared;
  base::Result<Prepared> prepare(const scheduler::Stage& stage);
  [[nodiscard]] std::optional<store::NotedDecision> decision_on(
      const scheduler::Stage& stage, const StageRecord& record,
      std::vector<std::string> messages) const;
  /// What an earlier run made, if that is taken; the record says either way.
  std::optional<scheduler::StageOutcome> from_cache(const scheduler::Stage& stage,
                                                    const StageKeys& keys, StageRecord& record);
  [[nodiscard]] base::Result<LaunchRequest> make_request(const scheduler::Stage& stage,
                                                         const Prepared& prepared,
                                                         StreamEnds output) const;
  base::Result<Finished> launch(const scheduler::Stage& stage, const Prepared& prepared,
                                const scheduler::StageAttempt& attempt, LaunchRequest request,
                                StreamEnds output, logs::LogWriter& log, logs::LogWatch& watch);
  [[nodiscard]] base::Result<logs::LogWriter> begin_log(const scheduler::Stage& stage,
                                                        const scheduler::StageAttempt& attempt,
                                                        std::shared_ptr<const logs::LogWatch> watch,
                                                        StageRecord& record) const;
  void archive(const logs::LogWriter& log) const;
  base::Result<scheduler::StageOutcome> execute(const scheduler::Stage& stage,
                                                const Prepared& prepared,
                                                const scheduler::StageAttempt& attempt,
                                                StageRecord& record);
  scheduler::StageOutcome run_or_take(const scheduler::Stage& stage,
                                      const scheduler::StageAttempt& attempt);
  /// Of a stage with secrets: masked, in the log's directory and in the record.
  base::Result<void> keep_connections(const scheduler::Stage& stage, const logs::LogWriter& log,
                                      int connections_fd, StageRecord& record) const;
  base::Result<void> add_secrets(const std::vector<scheduler::StageSecret>& secrets,
                                 LaunchRequest& request) const;
  [[nodiscard]] base::Result<ServiceLaunch> make_service(const scheduler::Stage& stage,
                                                         const PreparedService& service,
                                                         const logs::LogWriter& stage_log) const;
  /// The stage's services, which `request` will start, or nullptr.
  [[nodiscard]] base::Result<std::unique_ptr<ServiceGroup>> add_services(
      const scheduler::Stage& stage, const Prepared& prepared,
      const scheduler::StageAttempt& attempt, const logs::LogWriter& log,
      LaunchRequest& request) const;
  /// Of a stage that has secrets, or a service with some; else nullptr.
  [[nodiscard]] const SecretAutomaton* secrets_of(const scheduler::Stage& stage) const;
  /// The file beside the stage's log.
  [[nodiscard]] base::Result<base::UniqueFd> create_connection_log(
      const logs::LogWriter& stage_log) const;
  [[nodiscard]] base::Result<NetworkAccess> open_network(const scheduler::Stage& stage,
                                                         const logs::LogWriter& stage_log) const;
  [[nodiscard]] base::Result<base::UniqueFd> add_network(const scheduler::Stage& stage,
                                                         const logs::LogWriter& stage_log,
                                                         LaunchRequest& request) const;
  base::Result<Capture> take_outputs(const scheduler::Stage& stage, LeftWorkspace& left,
                                     StageCaches& caches) const;
  base::Result<void> note_end(const scheduler::Stage& stage, const Finished& finished,
                              const logs::LogWriter& log, const base::UniqueFd& connections,
                              StageRecord& record) const;
  /// Of a stage that declares reports: they are stored, and the record says so.
  base::Result<std::optional<TestResults>> keep_tests(const scheduler::Stage& stage,
                                                      const Finished& finished,
                                                      StageRecord& record) const;
  /// The same of coverage.
  base::Result<void> keep_coverage(const scheduler::Stage& stage, const Finished& finished,
                                   StageRecord& record) const;
  /// Of an attempt that failed: what it left is kept for `shell`.
  void keep_left(const scheduler::Stage& stage, const Prepared& prepared, LeftWorkspace& left,
                 StageRecord& record) const;
  /// The same, and its sandbox is removed.
  base::Result<void> leave(const scheduler::Stage& stage, const Prepared& prepared,
                           const CopyOnWriteMounts& mounts, Finished& finished,
                           StageRecord& record) const;
  base::Result<scheduler::StageOutcome> conclude(const scheduler::Stage& stage,
                                                 base::Result<Finished> launched,
                                                 const Prepared& prepared,
                                                 const CopyOnWriteMounts& mounts,
                                                 StageCaches& caches, StageRecord& record);

  StageServices services_;
  OutputTable outputs_;
  UserTable users_;
};

}  // namespace stagebox::run
