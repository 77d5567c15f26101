// StageConnections: the network of a stage, and the file beside its log that says what it
// connected to.
#pragma once

#include "runtime/base/unique_fd.h"
#include "runtime/logs/log_writer.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/run_context.h"
#include "runtime/run/stage_record.h"

namespace stagebox::run {

class StageConnections {
 public:
  /// `request` gets its network. What it refers to outlives this.
  static base::Result<StageConnections> open(const RunContext& run, const scheduler::Stage& stage,
                                             const logs::LogWriter& log, LaunchRequest& request);

  /// When the stage has ended. A stage can have asked for a host with a name that says what nobody
  /// should read: what it connected to is masked, in the log's directory and in the record.
  base::Result<void> keep(StageRecord& record) const;

 private:
  StageConnections(const RunContext& run, const scheduler::Stage& stage, const logs::LogWriter& log)
      : run_(run), stage_(stage), log_(log) {}
  [[nodiscard]] base::Result<NetworkAccess> open_network() const;
  [[nodiscard]] base::Result<base::UniqueFd> create_file() const;

  const RunContext& run_;
  const scheduler::Stage& stage_;
  const logs::LogWriter& log_;
  base::UniqueFd in_memory_;  ///< Of a stage with secrets.
};

}  // namespace stagebox::run
