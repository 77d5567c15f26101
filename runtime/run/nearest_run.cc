#include "runtime/run/nearest_run.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace stagebox::run {
namespace {

using base::Digest;
using base::Result;
using store::EarlierQuery;
using store::EarlierStage;

/// How many earlier runs of the stage are looked at, how many stages where it is compared with
/// others, how many of their keys are compared, the newest ones, and how many differences are told.
constexpr std::size_t kEarlierRuns = 1000;
constexpr std::size_t kOtherStages = 10'000;
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
                                          const std::vector<EarlierStage>& earlier,
                                          const Digest& key) {
  std::optional<NearestRun> best;
  const auto same = std::ranges::find(earlier, key, &EarlierStage::stage_key);
  if (same != earlier.end()) {
    const auto decision = TRY(sources.decisions.find(same->run_id, same->stage));
    best = NearestRun{*same, store::ActionDifferences{}, decision ? decision->verdict : ""};
    return best;
  }
  std::set<Digest> seen;
  for (const EarlierStage& one : earlier) {
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

// Of a stage with that key: what was taken from the cache has no decision of its own.
std::string image_of(const ExplainSources& sources, const std::vector<EarlierStage>& earlier,
                     const Digest& key) {
  std::size_t looked = 0;
  for (const EarlierStage& one : earlier) {
    if (one.stage_key != key) continue;
    if (++looked > kEarlierRuns) break;
    const auto decision = sources.decisions.find(one.run_id, one.stage);
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

/// How many bytes two names have in common, at their beginnings and ends.
std::size_t likeness(std::string_view one, std::string_view other) {
  const std::size_t most = std::min(one.size(), other.size());
  std::size_t front = 0;
  while (front < most && one[front] == other[front]) ++front;
  std::size_t back = 0;
  while (front + back < most && one[one.size() - 1 - back] == other[other.size() - 1 - back])
    ++back;
  return front + back;
}

/// Only the first few are compared: before others those that the run has not, which may be what the
/// stage was called before, and those whose names are like its own.
void put_likely_first(std::vector<EarlierStage>& earlier, const ComparedStage& compared) {
  std::set<std::string_view> present;
  for (const store::StageRow& row : compared.run.stages) present.insert(row.stage);
  using Rank = std::pair<bool, std::size_t>;
  std::ranges::stable_sort(earlier, std::greater<>(), [&](const EarlierStage& one) {
    return Rank{!present.contains(one.stage), likeness(one.stage, compared.stage)};
  });
}

EarlierQuery query_of(const ComparedStage& compared, EarlierQuery::Among among) {
  if (among == EarlierQuery::Among::kStage) return {compared.stage, kEarlierRuns, among};
  EarlierQuery query{compared.stage, kOtherStages, among};
  // Others' names are not for who wrote an untrusted run's pipeline.
  const base::TrustDomain& domain = compared.run.run.domain;
  if (domain.trust() == base::Trust::kUntrusted) query.domain = domain;
  return query;
}

}  // namespace

Result<std::optional<NearestRun>> nearest_run(const ExplainSources& sources,
                                              const ComparedStage& compared, Compare with) {
  using Among = EarlierQuery::Among;
  for (const Among among : {Among::kStage, Among::kMatrix, Among::kAll}) {
    if (among != Among::kStage && with == Compare::kSame) break;
    auto earlier = TRY(sources.decisions.earlier(compared.run.run, query_of(compared, among)));
    if (earlier.empty()) continue;
    if (among != Among::kStage) put_likely_first(earlier, compared);
    std::optional<NearestRun> best = TRY(nearest(sources, earlier, compared.key));
    name_images(*best, image_of(sources, earlier, best->stage.stage_key), compared.image);
    return best;
  }
  return std::optional<NearestRun>();
}

Result<NearestRun> before_in_run(const ExplainSources& sources, const ComparedStage& compared,
                                 const Digest& finished_key) {
  const store::RunRecord& run = compared.run.run;
  auto differences = TRY(compare(sources, finished_key, compared.key, kDifferences));
  NearestRun before{
      {run.id, compared.stage, run.started_at, store::StageState::kSucceeded, finished_key},
      std::move(differences)};
  const auto earlier =
      TRY(sources.decisions.earlier(run, query_of(compared, EarlierQuery::Among::kStage)));
  name_images(before, image_of(sources, earlier, finished_key), compared.image);
  return before;
}

}  // namespace stagebox::run
