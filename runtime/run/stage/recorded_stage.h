// RecordedStage: a stage as it was when it ran, from what is on record of it (its stage key's
// messages and its limits), whatever the pipeline file says now.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/run/stage/stage_command.h"
#include "runtime/run/stage/stage_inputs.h"
#include "runtime/store/recorded_action.h"
#include "runtime/store/runs/run_store.h"
#include "sandbox/spec/limits.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

struct RecordedStage {
  /// Its id, network, capabilities, secrets, and the names of its services; no more.
  scheduler::Stage stage;
  base::Digest image;    ///< Of the manifest.
  std::string user;      ///< In the words of resolve_user().
  StageCommand command;  ///< What it executed.
  std::vector<ResolvedInput> inputs;
  sandbox::Limits limits;  ///< That it asked for.
};

/// Pure. kCorrupt for an action that no stage has. `limits` is what limits_json() made.
base::Result<RecordedStage> read_recorded_stage(const std::string& id,
                                                const store::ActionView& action,
                                                const std::string& limits);

/// A stage of a run that has ended.
struct EndedStage {
  store::RunRecord run;
  store::StageRow row;
  RecordedStage recorded;
  std::optional<store::KeptWorkspace> workspace;  ///< Of one that failed.
};

/// `run` is the run's very id. What was taken from the cache is as it ran in the run that made it.
/// kNotFound when the run has no such stage or not enough of it is on record any more; kInvalid
/// when it did not run, or has not ended.
base::Result<EndedStage> find_ended_stage(const store::RunStore& runs, const std::string& run,
                                          const std::string& stage);

}  // namespace stagebox::run
