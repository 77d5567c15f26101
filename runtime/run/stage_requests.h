// StageRequests: what is asked of the launcher for a stage and for its services, from what the
// pipeline says and what was prepared.
#pragma once

#include <vector>

#include "runtime/logs/log_writer.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/prepared_stage.h"
#include "runtime/run/run_context.h"
#include "runtime/run/service_group.h"
#include "runtime/run/stage_streams.h"

namespace stagebox::run {

/// All that it is made of outlives it.
class StageRequests {
 public:
  StageRequests(const RunContext& run, const scheduler::Stage& stage, const PreparedStage& prepared)
      : run_(run), stage_(stage), prepared_(prepared) {}

  /// All of it but what is there only while the stage runs: its log, its network and its tokens.
  [[nodiscard]] base::Result<LaunchRequest> of_stage(StreamEnds output) const;
  /// With their logs, which are named after the stage's.
  [[nodiscard]] base::Result<std::vector<ServiceLaunch>> of_services(
      const logs::LogWriter& stage_log) const;

 private:
  [[nodiscard]] base::Result<ServiceLaunch> of_service(const PreparedService& service,
                                                       const logs::LogWriter& stage_log) const;
  base::Result<void> add_secrets(const std::vector<scheduler::StageSecret>& secrets,
                                 LaunchRequest& request) const;

  const RunContext& run_;
  const scheduler::Stage& stage_;
  const PreparedStage& prepared_;
};

}  // namespace stagebox::run
