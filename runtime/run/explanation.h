// Explanation: why a stage of a run ran, or why it was taken from an earlier run, as the stores
// tell it: what the stage cache said, and what differs from the nearest earlier run of the stage.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/trust_domain.h"
#include "runtime/run/nearest_run.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::run {

struct Explanation {
  store::StageRow stage;
  std::string verdict;       ///< to_string(CacheVerdict); empty when none was recorded
  std::string detail;        ///< Decision::detail
  base::TrustDomain domain;  ///< of the run
  /// Of the run that it was taken from, when that is another one.
  std::optional<base::TrustDomain> taken_from;
  /// Of a stage that ran again in a run that was resumed, what it was before in it. Else see
  /// nearest_run(): of one under whose key nothing was recorded, kOthersToo.
  std::optional<NearestRun> nearest;
};

/// kNotFound when the run has no such stage. Who reads of an untrusted run may be the one who wrote
/// its pipeline: of runs in other domains it is told what differs, and no value of theirs. `run` is
/// the run's very id.
base::Result<Explanation> explain(const ExplainSources& sources, const std::string& run,
                                  const std::string& stage);

}  // namespace stagebox::run
