// The test results of a run that is on record.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/findings/test_history.h"
#include "runtime/run/findings/test_results.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/runs/test_report_store.h"

namespace stagebox::run {

/// A stage with test results, those of its last attempt.
struct TestedStage {
  std::string stage;
  std::int64_t attempt = 0;  ///< 0: taken from the stage cache.
  store::TestReportRef report;
  TestResults results;
};

/// In the order of the stages. `stage`: only this one, kNotFound when it is not in the run or has
/// no results; empty: all that have some.
base::Result<std::vector<TestedStage>> tested_stages(const store::RunDetails& details,
                                                     const std::string& stage,
                                                     const store::ContentStore& content);

/// How far back a history looks: attempts of one stage.
inline constexpr std::size_t kHistory = 50;

/// Of one stage of a run that has results, which are not read again. Results that have been removed
/// are passed over.
base::Result<TestHistory> test_history(const store::RunDetails& details, const TestedStage& stage,
                                       const store::TestReportStore& reports,
                                       const store::ContentStore& content);

}  // namespace stagebox::run
