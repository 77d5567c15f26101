// Explanation: why a stage of a run ran, or why it was taken from an earlier run, as the stores
// tell it: what the stage cache said, and what differs from the nearest earlier run of the stage.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/store/action_diff.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/runs/decision_store.h"
#include "runtime/store/runs/run_store.h"

namespace stagebox::run {

/// An earlier run of the stage; the run itself, where the stage had finished before in it.
struct NearestRun {
  store::EarlierStage stage;
  /// What makes the keys differ; nothing when the messages of one of them are not kept any more.
  std::optional<store::ActionDifferences> differences;
  /// With the same key: to_string(CacheVerdict) of that run; empty when none was recorded.
  std::string verdict = {};
};

struct Explanation {
  store::StageRow stage;
  std::string verdict;       ///< to_string(CacheVerdict); empty when none was recorded
  std::string detail;        ///< Decision::detail
  base::TrustDomain domain;  ///< of the run
  /// Of the run that it was taken from, when that is another one.
  std::optional<base::TrustDomain> taken_from;
  /// Of a stage that ran again in a run that was resumed, what it was before in it. Else the one
  /// with the same key, or else the one with the fewest differences, of equals the newest. Among
  /// the last few runs of the same pipeline; none when there is none with this stage.
  std::optional<NearestRun> nearest;
};

/// The stores that an explanation is read from.
struct ExplainSources {
  const store::RunStore& runs;
  const store::DecisionStore& decisions;
  const store::ContentStore& content;
};

/// kNotFound when the run has no such stage. Who reads of an untrusted run may be the one who wrote
/// its pipeline: of runs in other domains it is told what differs, and no value of theirs. `run` is
/// the run's very id.
base::Result<Explanation> explain(const ExplainSources& sources, const std::string& run,
                                  const std::string& stage);

}  // namespace stagebox::run
