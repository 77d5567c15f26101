// What the tests of a run that is on record covered, beside the last trusted run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/coverage/coverage_codec.h"
#include "runtime/run/findings/stage_coverage.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/runs/coverage_store.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::run {

/// A stage with coverage, that of its last attempt.
struct MeasuredStage {
  std::string stage;
  std::int64_t attempt = 0;  ///< 0: taken from the stage cache.
  store::CoverageRef report;
  coverage::ReadCoverage coverage;
  std::optional<store::EarlierCoverage> before;
  /// Of `before`; none where it has been removed.
  std::optional<coverage::SourceFiles> files_before;
};

/// In the order of the stages. `stage`: only this one, kNotFound when it is not in the run or has
/// no coverage; empty: all that have some.
base::Result<std::vector<MeasuredStage>> measured_stages(const store::RunDetails& details,
                                                         const std::string& stage,
                                                         const store::CoverageStore& store,
                                                         const store::ContentStore& content);

/// Of all stages together: a line that several execute counts once.
struct TotalCoverage {
  coverage::Counts now;
  std::optional<coverage::Counts> before;  ///< Only when each of the stages has one.
};
TotalCoverage total_coverage(const std::vector<MeasuredStage>& stages);

}  // namespace stagebox::run
