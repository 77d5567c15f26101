#include "runtime/run/state/retention.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "runtime/base/trust_domain.h"
#include "runtime/run/memo/memo_store.h"
#include "runtime/run/state/content_budget.h"
#include "runtime/run/state/log_retention.h"
#include "runtime/store/recorded_action.h"
#include "runtime/store/runs/decision_store.h"

namespace stagebox::run {
namespace {

using base::Digest;
using base::Result;
using std::chrono::system_clock;

/// Whose the results of an action are.
base::Trust trust_of(const store::RecordedAction& recorded) {
  const auto action = store::view_action(recorded);
  if (!action.ok()) return base::Trust::kUntrusted;  // Nobody can tell.
  const std::string domain = action->salt.substr(0, action->salt.find('\n'));
  const auto parsed = base::TrustDomain::parse(domain);
  return parsed.ok() ? parsed->trust() : base::Trust::kUntrusted;
}

/// One pass over the state directory.
class Retention {
 public:
  Retention(LocalEngine& engine, const store::DecisionStore& decisions,
            const RetentionPolicy& policy)
      : engine_(engine),
        decisions_(decisions),
        caches_(engine.runs().caches()),
        workspaces_(engine.runs().workspaces()),
        policy_(policy),
        looked_(store::timestamp_now()),
        oldest_(system_clock::now() - policy.keep) {}

  Result<RetentionResult> run() {
    // What a damaged database does not know of would be taken for something that nobody needs.
    TRY(engine_.runs().check());
    pinned_ = TRY(engine_.runs().pinned_runs());
    results_ = TRY(engine_.actions().list());
    TRY(forget_what_is_old());
    if (policy_.max_bytes) TRY(forget_beyond_budget());
    TRY(forget_messages());
    const store::CollectOptions options{policy_.keep, policy_.max_bytes};
    result_.content = TRY(engine_.content().collect(options, [this] { return live_content(); }));
    TRY(tend_files());
    result_.runs = forgotten_.size();
    return result_;
  }

 private:
  Result<void> forget_what_is_old() {
    TRY(forget_runs());
    TRY(forget_results());
    TRY(forget_caches());
    return forget_workspaces();
  }

  /// The logs, and the files that no record knows of.
  Result<void> tend_files() {
    TRY(remove_orphaned_logs(engine_.home(), engine_.runs(), forgotten_, results_, policy_.keep));
    TRY(remove_old_memos(engine_.home()));
    TRY(base::remove_abandoned_files(TRY(engine_.home().subdirectory("seccomp")).get()));
    TRY(tend_logs(engine_.home(), engine_.runs()));
    result_.log_bytes = TRY(size_of_logs(engine_.home()));
    return {};
  }

  [[nodiscard]] bool is_fixed(const store::RunRecord& run) const {
    return !run.ended_at || pinned_.contains(run.id);
  }

  Result<void> forget_runs() {
    const auto runs = TRY(engine_.runs().list_runs(std::numeric_limits<std::size_t>::max()));
    std::size_t place = 0;  // newest first
    for (const store::RunRecord& run : runs) {
      const bool beyond = policy_.keep_runs && place++ >= *policy_.keep_runs;
      if (is_fixed(run) || (!beyond && *run.ended_at >= oldest_)) continue;
      const bool went = TRY(engine_.runs().remove_run(run));
      if (went) forgotten_.insert(run.id);
    }
    return {};
  }

  Result<void> forget_results() {
    std::vector<bool> gone(results_.size());
    for (std::size_t i = 0; i < results_.size(); ++i) gone[i] = results_[i].last_used < oldest_;
    return forget(gone);
  }

  Result<void> forget_caches() {
    const auto oldest = std::chrono::floor<std::chrono::milliseconds>(oldest_);
    for (const store::CacheSnapshot& snapshot : TRY(caches_.list())) {
      if (snapshot.used_at < oldest) TRY(forget(snapshot));
    }
    return {};
  }

  Result<void> forget_workspaces() {
    const auto oldest = std::chrono::floor<std::chrono::milliseconds>(system_clock::now() -
                                                                      policy_.keep_workspaces);
    for (const store::WorkspaceRow& kept : TRY(workspaces_.all())) {
      if (kept.kept_at < oldest && !pinned_.contains(kept.run_id)) TRY(forget(kept));
    }
    return {};
  }

  Result<void> forget(const store::WorkspaceRow& kept) {
    const bool went = TRY(workspaces_.forget(kept));
    if (went) ++result_.workspaces;
    return {};
  }

  Result<void> forget(const store::CacheSnapshot& snapshot) {
    const bool went = TRY(caches_.remove_unused(snapshot));
    if (went) ++result_.caches;
    return {};
  }

  /// The results that are marked as `gone`, unless somebody used them meanwhile.
  Result<void> forget(const std::vector<bool>& gone) {
    std::vector<store::ActionCache::Entry> kept;
    for (std::size_t i = 0; i < results_.size(); ++i) {
      if (gone[i]) {
        const bool went = TRY(engine_.actions().remove_unused(results_[i]));
        if (went) ++result_.results;
        if (went) continue;
      }
      kept.push_back(std::move(results_[i]));
    }
    results_ = std::move(kept);
    return {};
  }

  /// Of every recorded result.
  Result<void> add_results(std::vector<ContentOwner>& owners) const {
    std::unordered_map<Digest, base::Trust> trust;
    for (const auto& kept : TRY(decisions_.all_messages()))
      trust.emplace(kept.stage_key, trust_of({kept.stage_key, kept.messages}));
    for (const auto& entry : results_) {
      const auto known = trust.find(entry.action);
      owners.push_back({.used = entry.last_used,
                        .trust = known != trust.end() ? known->second : base::Trust::kUntrusted});
      add_result(entry, owners.back().content);
    }
    return {};
  }

  /// Of every run: its outputs.
  Result<void> add_runs(const std::vector<store::RunRecord>& runs,
                        std::vector<ContentOwner>& owners) const {
    std::unordered_map<std::string, std::size_t> owner_of_run;
    for (const store::RunRecord& run : runs) {
      owner_of_run.emplace(run.id, owners.size());
      owners.push_back({.used = run.ended_at.value_or(run.started_at),
                        .fixed = is_fixed(run),
                        .trust = run.domain.trust()});
    }
    share_use(runs, owner_of_run, owners);
    for (const store::OutputRow& row : TRY(engine_.runs().all_outputs())) {
      const auto owner = owner_of_run.find(row.run_id);
      if (owner != owner_of_run.end()) add_content(row.output, owners[owner->second].content);
    }
    return {};
  }

  /// Shared outputs were used when the last run that has them ended.
  void share_use(const std::vector<store::RunRecord>& runs,
                 const std::unordered_map<std::string, std::size_t>& owner_of_run,
                 std::vector<ContentOwner>& owners) const {
    for (const store::RunRecord& run : runs) {
      const auto owner = owner_of_run.find(run.stages_of);
      if (owner == owner_of_run.end()) continue;
      ContentOwner& shared = owners[owner->second];
      shared.used = std::max(shared.used, owners[owner_of_run.at(run.id)].used);
      shared.fixed = shared.fixed || is_fixed(run);
    }
  }

  /// Of every kept workspace.
  Result<void> add_workspaces(const std::vector<store::WorkspaceRow>& workspaces,
                              const std::vector<store::RunRecord>& runs,
                              std::vector<ContentOwner>& owners) const {
    std::unordered_map<std::string, base::Trust> trust;
    for (const store::RunRecord& run : runs) trust.emplace(run.id, run.domain.trust());
    for (const store::WorkspaceRow& kept : workspaces) {
      const auto of_run = trust.find(kept.run_id);  // Or it has begun since.
      owners.push_back({.used = kept.kept_at,
                        .fixed = pinned_.contains(kept.run_id),
                        .trust = of_run != trust.end() ? of_run->second : base::Trust::kUntrusted});
      TRY(add_workspace(kept, owners.back().content));
    }
    return {};
  }

  static void add_snapshots(const std::vector<store::CacheSnapshot>& snapshots,
                            std::vector<ContentOwner>& owners) {
    for (const store::CacheSnapshot& snapshot : snapshots) {
      owners.push_back({.used = snapshot.used_at, .trust = snapshot.place.domain.trust()});
      owners.back().content.trees.insert(snapshot.tree.root);
    }
  }

  /// Results first, then runs.
  Result<void> add_recorded(const std::vector<store::RunRecord>& runs,
                            std::vector<ContentOwner>& owners) {
    TRY(add_results(owners));
    return add_runs(runs, owners);
  }

  Result<void> add_what_stays(std::vector<ContentOwner>& owners) const {
    owners.push_back({.used = system_clock::now(), .fixed = true});
    return add_shown(owners.back().content);
  }

  Result<void> forget_outputs(const store::RunRecord& run) {
    const bool went = TRY(engine_.runs().forget_outputs(run, looked_));
    if (went) ++result_.outputs;
    return {};
  }

  Result<void> forget_beyond_budget() {
    const auto runs = TRY(engine_.runs().list_runs(std::numeric_limits<std::size_t>::max()));
    const auto snapshots = TRY(caches_.list());
    const auto workspaces = TRY(workspaces_.all());
    std::vector<ContentOwner> owners;
    TRY(add_recorded(runs, owners));
    const std::size_t first_snapshot = owners.size();
    add_snapshots(snapshots, owners);
    const std::size_t first_workspace = owners.size();
    TRY(add_workspaces(workspaces, runs, owners));
    TRY(add_what_stays(owners));
    const auto parts = TRY(parts_of(engine_.content(), owners));
    std::vector<bool> gone(results_.size());
    for (const std::size_t beyond : beyond_budget(owners, parts, *policy_.max_bytes)) {
      if (beyond < results_.size()) {
        gone[beyond] = true;
      } else if (beyond >= first_workspace) {
        TRY(forget(workspaces[beyond - first_workspace]));
      } else if (beyond >= first_snapshot) {
        TRY(forget(snapshots[beyond - first_snapshot]));
      } else {
        TRY(forget_outputs(runs[beyond - results_.size()]));
      }
    }
    return forget(gone);
  }

  Result<void> forget_messages() {
    std::vector<Digest> keys;
    for (const auto& entry : results_) keys.push_back(entry.action);
    return decisions_.prune(keys);
  }

  /// Of an output or an input.
  template <typename Content>
  static void add_content(const Content& content, store::LiveSet& live) {
    (content.kind == store::OutputKind::kFile ? live.blobs : live.trees).insert(content.digest);
  }

  /// What a kept workspace needs to be looked at: its trees, and the inputs of its stage.
  Result<void> add_workspace(const store::WorkspaceRow& kept, store::LiveSet& live) const {
    for (const store::KeptTree& tree : kept.workspace.trees) live.trees.insert(tree.root);
    if (!kept.stage_key) return {};
    const auto messages = TRY(decisions_.messages(*kept.stage_key));
    const auto action = store::view_action({*kept.stage_key, messages});
    if (!action.ok()) return {};  // Then there is no shell in it either.
    for (const store::ActionInput& input : action->inputs) add_content(input, live);
    return {};
  }

  /// What the stage cache can hand out.
  static void add_result(const store::ActionCache::Entry& entry, store::LiveSet& live) {
    for (const store::StoredOutput& output : entry.result.outputs) add_content(output, live);
    if (entry.result.tests) live.blobs.insert(entry.result.tests->blob.digest);
    if (entry.result.coverage) live.blobs.insert(entry.result.coverage->blob.digest);
    if (entry.result.summary) live.blobs.insert(entry.result.summary->blob.digest);
  }

  /// What runs on record show besides outputs, whatever the budget: test results, coverage and
  /// summaries, and of the inputs of earlier stages what `explain` compares.
  Result<void> add_shown(store::LiveSet& live) const {
    for (const Digest& tests : TRY(engine_.runs().test_reports().all())) live.blobs.insert(tests);
    for (const Digest& lines : TRY(engine_.runs().coverage().all())) live.blobs.insert(lines);
    for (const Digest& summary : TRY(engine_.runs().summary_blobs())) live.blobs.insert(summary);
    for (const auto& kept : TRY(decisions_.all_messages())) {
      const auto trees = store::input_trees({kept.stage_key, kept.messages});
      if (trees.ok()) live.listings.insert(trees->begin(), trees->end());
    }
    return {};
  }

  /// What stays.
  Result<store::LiveSet> live_content() {
    store::LiveSet live;
    // Anew: other runs may have recorded more meanwhile, also with old content.
    results_ = TRY(engine_.actions().list());
    for (const auto& entry : results_) add_result(entry, live);
    for (const store::OutputRow& row : TRY(engine_.runs().all_outputs()))
      add_content(row.output, live);
    for (const auto& snapshot : TRY(caches_.list())) live.trees.insert(snapshot.tree.root);
    for (const store::WorkspaceRow& kept : TRY(workspaces_.all())) TRY(add_workspace(kept, live));
    TRY(add_shown(live));
    return live;
  }

  LocalEngine& engine_;
  const store::DecisionStore& decisions_;
  store::CacheStore caches_;
  store::WorkspaceStore workspaces_;
  const RetentionPolicy& policy_;
  store::Timestamp looked_;
  system_clock::time_point oldest_;
  std::vector<store::ActionCache::Entry> results_;  ///< Of the stage cache, that are kept.
  std::set<std::string> pinned_;
  std::set<std::string> forgotten_;
  RetentionResult result_;
};

}  // namespace

Result<RetentionResult> retain(LocalEngine& engine, const RetentionPolicy& policy) {
  const store::DecisionStore decisions = engine.runs().decisions();
  return Retention(engine, decisions, policy).run();
}

}  // namespace stagebox::run
