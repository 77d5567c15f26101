// StageExecution: one attempt to run a stage in a sandbox, beside its services, from its log to
// what is recorded of it. The steps stand in execute(), in order; each is done elsewhere.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/logs/log_watch.h"
#include "runtime/logs/log_writer.h"
#include "runtime/run/engine/left_workspace.h"
#include "runtime/run/prepared_stage.h"
#include "runtime/run/run_context.h"
#include "runtime/run/service_group.h"
#include "runtime/run/stage_caches.h"
#include "runtime/run/stage_masking.h"
#include "runtime/run/stage_record.h"
#include "runtime/run/stage_requests.h"
#include "runtime/run/stage_streams.h"
#include "scheduler/stage_runner.h"

namespace stagebox::run {

class StageExecution {
 public:
  /// All of them outlive it.
  StageExecution(const RunContext& run, const scheduler::Stage& stage,
                 const PreparedStage& prepared, const scheduler::StageAttempt& attempt,
                 StageRecord& record)
      : run_(run),
        stage_(stage),
        prepared_(prepared),
        attempt_(attempt),
        record_(record),
        requests_(run, stage, prepared) {}

  /// Once. The record says what is known of it, also when this fails.
  base::Result<scheduler::StageOutcome> execute();

 private:
  [[nodiscard]] base::Result<logs::LogWriter> begin_log();
  [[nodiscard]] base::Result<std::unique_ptr<ServiceGroup>> add_services(
      const logs::LogWriter& log, LaunchRequest& request) const;
  base::Result<Finished> launch(LaunchRequest request, StreamEnds output, logs::LogWriter& log);
  base::Result<scheduler::StageOutcome> conclude(base::Result<Finished> launched,
                                                 const std::optional<ServiceFailure>& failure,
                                                 const CopyOnWriteMounts& mounts,
                                                 const StageMasking& masking,
                                                 StageCaches& caches) const;
  void archive(const logs::LogWriter& log) const;

  const RunContext& run_;
  const scheduler::Stage& stage_;
  const PreparedStage& prepared_;
  const scheduler::StageAttempt& attempt_;
  StageRecord& record_;
  StageRequests requests_;
  std::shared_ptr<logs::LogWatch> watch_ = std::make_shared<logs::LogWatch>(run_.last_line);
};

}  // namespace stagebox::run
