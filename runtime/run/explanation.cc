#include "runtime/run/explanation.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>
#include <vector>

#include "runtime/base/printable.h"
#include "runtime/run/stage/missing_stage.h"

namespace stagebox::run {
namespace {

using base::Digest;
using base::Result;

/// How many earlier runs are looked at, how many of their keys are compared, the newest ones, and
/// how many differences are told.
constexpr std::size_t kEarlierRuns = 1000;
constexpr std::size_t kComparedKeys = 32;
constexpr std::size_t kDifferences = 1000;

Result<std::optional<store::ActionDifferences>> compare(const ExplainSources& sources,
                                                        const Digest& before, const Digest& after,
                                                        std::size_t limit) {
  using Differences = std::optional<store::ActionDifferences>;
  const auto old_messages = TRY(sources.decisions.messages(before));
  const auto new_messages = TRY(sources.decisions.messages(after));
  if (old_messages.empty() || new_messages.empty()) return Differences();
  const auto stored = [&sources](const Digest& digest) {
    return sources.content.read_directory(digest);
  };
  auto differences =
      TRY(store::compare_actions({before, old_messages}, {after, new_messages}, stored, limit));
  return Differences(std::move(differences));
}

/// Fewer differences are nearer; without any the two could not be compared.
bool is_nearer(const NearestRun& candidate, const NearestRun& best) {
  if (!candidate.differences) return false;
  return !best.differences || candidate.differences->list.size() < best.differences->list.size();
}

Result<std::optional<NearestRun>> nearest(const ExplainSources& sources,
                                          const std::vector<store::EarlierStage>& earlier,
                                          const std::string& stage, const Digest& key) {
  std::optional<NearestRun> best;
  const auto same = std::ranges::find(earlier, key, &store::EarlierStage::stage_key);
  if (same != earlier.end()) {
    const auto decision = TRY(sources.decisions.find(same->run_id, stage));
    best = NearestRun{*same, store::ActionDifferences{}, decision ? decision->verdict : ""};
    return best;
  }
  std::set<Digest> seen;
  for (const store::EarlierStage& one : earlier) {
    if (seen.size() == kComparedKeys) break;
    if (!seen.insert(one.stage_key).second) continue;
    // More than the best has is no better: so little is read of what is far away.
    const bool found = best && best->differences && best->differences->complete;
    const std::size_t limit = found ? best->differences->list.size() : kDifferences;
    NearestRun candidate{one, TRY(compare(sources, one.stage_key, key, limit))};
    if (!best || is_nearer(candidate, *best)) best = std::move(candidate);
  }
  return best;
}

/// What the stage was when it had finished before in this run, under `key`.
Result<NearestRun> before_in_run(const ExplainSources& sources, const store::RunRecord& run,
                                 const Digest& key, const Digest& now) {
  auto differences = TRY(compare(sources, key, now, kDifferences));
  return NearestRun{{run.id, run.started_at, store::StageState::kSucceeded, key},
                    std::move(differences)};
}

// One that has been forgotten meanwhile is taken for another domain's.
bool is_of_domain(const ExplainSources& sources, const std::string& run,
                  const base::TrustDomain& domain) {
  const auto found = sources.runs.find_run(run);
  return found.ok() && found->domain == domain;
}

// Of the same stage with that key: what was taken from the cache has no decision of its own.
std::string image_of(const ExplainSources& sources, const std::vector<store::EarlierStage>& earlier,
                     const std::string& stage, const Digest& key) {
  for (const store::EarlierStage& one : earlier) {
    if (one.stage_key != key) continue;
    const auto decision = sources.decisions.find(one.run_id, stage);
    if (decision.ok() && *decision && !(*decision)->image.empty()) return (*decision)->image;
  }
  return "";
}

void name_images(NearestRun& nearest, const std::string& before, const std::string& after) {
  if (!nearest.differences) return;
  for (store::Difference& one : nearest.differences->list) {
    if (one.kind != store::DifferenceKind::kImage) continue;
    one.before_name = before;
    one.after_name = after;
  }
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
  store::RunDetails details = TRY(sources.runs.show_run(run));
  const auto row = std::ranges::find(details.stages, stage, &store::StageRow::stage);
  if (row == details.stages.end()) return no_stage(details, stage);
  Explanation explanation;
  explanation.stage = std::move(*row);
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
  const auto earlier = TRY(sources.decisions.earlier(details.run, stage, kEarlierRuns));
  const Digest& key = *explanation.stage.stage_key;
  if (decided && decision->finished_key)
    explanation.nearest = TRY(before_in_run(sources, details.run, *decision->finished_key, key));
  else
    explanation.nearest = TRY(nearest(sources, earlier, stage, key));
  if (explanation.nearest) {
    name_images(*explanation.nearest,
                image_of(sources, earlier, stage, explanation.nearest->stage.stage_key),
                decision ? decision->image : "");
  }
  const bool withheld =
      explanation.nearest && explanation.domain.trust() == base::Trust::kUntrusted &&
      !is_of_domain(sources, explanation.nearest->stage.run_id, explanation.domain);
  if (withheld) withhold_values(*explanation.nearest);
  return explanation;
}

}  // namespace stagebox::run
