// NearestRun: what a stage of a run is compared with to tell why it ran, the most similar of what
// earlier runs recorded. What is told of it is Explanation's business.
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

/// The stores that an explanation is read from.
struct ExplainSources {
  const store::RunStore& runs;
  const store::DecisionStore& decisions;
  const store::ContentStore& content;
};

/// What is compared.
struct ComparedStage {
  const store::RunDetails& run;
  std::string stage;
  base::Digest key;
  std::string image;  ///< Decision::image
};

/// Which stages it is compared with.
enum class Compare {
  kSame,      ///< Of this name only.
  kOthersToo  ///< Without any others of its matrix, and without any of those all others.
};

/// With the same key, or else the one with the fewest differences, of equals the one whose name is
/// most like its own, then the newest. Among the last few runs of the same pipeline.
base::Result<std::optional<NearestRun>> nearest_run(const ExplainSources& sources,
                                                    const ComparedStage& compared, Compare with);
/// What the stage was when it had finished before in this run, under `finished_key`.
base::Result<NearestRun> before_in_run(const ExplainSources& sources, const ComparedStage& compared,
                                       const base::Digest& finished_key);

}  // namespace stagebox::run
