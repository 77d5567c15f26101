// What a stage says of itself in Markdown: from the files that it declares as its `summary` to what
// is stored and told of it. It decides nothing: whatever is wrong with it, the stage ended as it
// did.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/markdown/markup.h"
#include "runtime/run/engine/report_reader.h"
#include "runtime/run/findings/test_results.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/stage_result.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// Of one attempt, or of what was taken from the cache.
struct StageSummary {
  store::SummaryRef report;
};

struct TakenSummary {
  std::optional<StageSummary> summary = {};  ///< None: it wrote nothing.
  std::vector<std::string> problems = {};    ///< A sentence each, the first ones.
};
/// Of a stage that is dead, and which declares one. Masked, and stored. An error is ours.
base::Result<TakenSummary> take_summary(const scheduler::Stage& stage, int workspace_fd,
                                        const ReportReader& reader, const ReportMasking& masking,
                                        const store::ContentStore& content);

/// kNotFound when it has been removed.
base::Result<markdown::Document> load_summary(const store::SummaryRef& report,
                                              const store::ContentStore& content);

/// An attempt that wrote none has none; what an earlier one said is of what did not last.
bool is_of_last_attempt(const store::SummaryRow& summary, const store::StageRow& stage);
/// What the stage of a run on record said in its last attempt, or in the run that it was taken
/// from; nullptr when that was nothing. Points into `details`.
const store::SummaryRow* last_summary(const store::RunDetails& details,
                                      const store::StageRow& stage);

}  // namespace stagebox::run
