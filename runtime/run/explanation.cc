#include "runtime/run/explanation.h"

#include <algorithm>
#include <utility>

#include "runtime/base/printable.h"
#include "runtime/run/stage/missing_stage.h"
#include "runtime/run/stage_cache.h"

namespace stagebox::run {
namespace {

using base::Result;

// One that has been forgotten meanwhile is taken for another domain's.
bool is_of_domain(const ExplainSources& sources, const std::string& run,
                  const base::TrustDomain& domain) {
  const auto found = sources.runs.find_run(run);
  return found.ok() && found->domain == domain;
}

void withhold_values(NearestRun& nearest) {
  if (!nearest.differences) return;
  for (store::Difference& one : nearest.differences->list) {
    if (!one.before) continue;
    one.before = "";
    one.before_name.clear();
    one.is_withheld = true;
  }
}

}  // namespace

Result<Explanation> explain(const ExplainSources& sources, const std::string& run,
                            const std::string& stage) {
  const store::RunDetails details = TRY(sources.runs.show_run(run));
  const auto row = std::ranges::find(details.stages, stage, &store::StageRow::stage);
  if (row == details.stages.end()) return no_stage(details, stage);
  Explanation explanation;
  explanation.stage = *row;
  explanation.domain = details.run.domain;
  const auto source = sources.runs.find_run(explanation.stage.cached_from);
  // It may have been forgotten meanwhile.
  if (source.ok() && source->domain != explanation.domain) explanation.taken_from = source->domain;
  const auto decision = TRY(sources.decisions.find(run, stage));
  // A run that was resumed may have decided again; what is shown has one key.
  const bool decided = decision && explanation.stage.cached_from.empty();
  if (decided) {
    explanation.verdict = decision->verdict;
    explanation.detail = decision->detail;
    if (!explanation.stage.stage_key) explanation.stage.stage_key = decision->stage_key;
  }
  if (!explanation.stage.stage_key) return explanation;
  const ComparedStage compared{details, stage, *explanation.stage.stage_key,
                               decision ? decision->image : ""};
  if (decided && decision->finished_key) {
    explanation.nearest = TRY(before_in_run(sources, compared, *decision->finished_key));
  } else {
    const bool unknown = explanation.verdict == to_string(CacheVerdict::kNoRecord);
    explanation.nearest =
        TRY(nearest_run(sources, compared, unknown ? Compare::kOthersToo : Compare::kSame));
  }
  const bool withheld =
      explanation.nearest && explanation.domain.trust() == base::Trust::kUntrusted &&
      !is_of_domain(sources, explanation.nearest->stage.run_id, explanation.domain);
  if (withheld) withhold_values(*explanation.nearest);
  return explanation;
}

}  // namespace stagebox::run
