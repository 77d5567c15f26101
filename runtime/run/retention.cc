#include "runtime/run/retention.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/run/log_retention.h"
#include "runtime/run/memo/memo_store.h"
#include "runtime/store/decision_store.h"
#include "runtime/store/recorded_action.h"

namespace stagebox::run {
namespace {

using base::Digest;
using base::Result;
using std::chrono::system_clock;

/// What a file takes of the disk, on nearly all file systems.
std::uint64_t on_disk(std::uint64_t bytes) {
  constexpr std::uint64_t kBlock = 4096;
  return (bytes + kBlock - 1) / kBlock * kBlock;
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
    TRY(remove_orphaned_logs(engine_.home(), engine_.runs(), forgotten_, results_));
    TRY(remove_old_memos(engine_.home()));
    TRY(tend_logs(engine_.home(), engine_.runs()));
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

  [[nodiscard]] bool is_fixed(const store::RunRecord& run) const {
    return !run.ended_at || pinned_.contains(run.id);
  }

  Result<void> forget_runs() {
    const auto runs = TRY(engine_.runs().list_runs(std::numeric_limits<std::size_t>::max()));
    std::size_t place = 0;  // newest first
    for (const store::RunRecord& run : runs) {
      const bool beyond = policy_.keep_runs && place++ >= *policy_.keep_runs;
      if (is_fixed(run) || (!beyond && *run.ended_at >= oldest_)) continue;
      TRY(engine_.runs().remove_run(run.id));
      forgotten_.insert(run.id);
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
    TRY(workspaces_.forget(kept.run_id, kept.stage));
    ++result_.workspaces;
    return {};
  }

  Result<void> forget(const store::CacheSnapshot& snapshot) {
    const bool was_there = TRY(caches_.remove(snapshot.id));
    if (was_there) ++result_.caches;
    return {};
  }

  /// The results that are marked as `gone`.
  Result<void> forget(const std::vector<bool>& gone) {
    std::vector<store::ActionCache::Entry> kept;
    for (std::size_t i = 0; i < results_.size(); ++i) {
      if (!gone[i]) {
        kept.push_back(std::move(results_[i]));
        continue;
      }
      TRY(engine_.actions().remove(results_[i].action));
      ++result_.results;
    }
    results_ = std::move(kept);
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

  Result<void> add_outputs(const std::unordered_map<std::string, std::size_t>& owner_of_run,
                           std::vector<ContentOwner>& owners) const {
    for (const store::OutputRow& row : TRY(engine_.runs().all_outputs())) {
      const auto owner = owner_of_run.find(row.run_id);
      if (owner != owner_of_run.end()) owners[owner->second].outputs.push_back(row.output);
    }
    return {};
  }

  Result<void> forget_beyond_budget() {
    const auto runs = TRY(engine_.runs().list_runs(std::numeric_limits<std::size_t>::max()));
    std::unordered_map<std::string, std::size_t> owner_of_run;
    std::vector<ContentOwner> owners;
    for (const auto& entry : results_)
      owners.push_back({entry.last_used, false, entry.result.outputs});
    for (const store::RunRecord& run : runs) {
      owner_of_run.emplace(run.id, owners.size());
      owners.push_back({run.ended_at.value_or(run.started_at), is_fixed(run), {}});
    }
    share_use(runs, owner_of_run, owners);
    const auto snapshots = TRY(caches_.list());
    for (const store::CacheSnapshot& snapshot : snapshots)
      owners.push_back({snapshot.used_at, false, {content_of(snapshot)}});
    TRY(add_outputs(owner_of_run, owners));
    const auto workspaces = TRY(workspaces_.all());
    for (const store::WorkspaceRow& kept : workspaces)
      owners.push_back({kept.kept_at, pinned_.contains(kept.run_id), content_of(kept)});
    const std::size_t first_snapshot = results_.size() + runs.size();
    const std::size_t first_workspace = first_snapshot + snapshots.size();
    std::vector<bool> gone(results_.size());
    for (const std::size_t beyond : beyond_budget(owners, parts_of(owners), *policy_.max_bytes)) {
      if (beyond < results_.size()) {
        gone[beyond] = true;
      } else if (beyond >= first_workspace) {
        TRY(forget(workspaces[beyond - first_workspace]));
      } else if (beyond >= first_snapshot) {
        TRY(forget(snapshots[beyond - first_snapshot]));
      } else if (!owners[beyond].outputs.empty()) {
        TRY(engine_.runs().forget_outputs(runs[beyond - results_.size()].id));
        ++result_.outputs;
      }
    }
    return forget(gone);
  }

  static store::StoredOutput tree_content(const Digest& root, std::uint64_t size) {
    store::StoredOutput content;
    content.kind = store::OutputKind::kDirectory;
    content.digest = root;
    content.size = size;
    return content;
  }

  static store::StoredOutput content_of(const store::CacheSnapshot& snapshot) {
    return tree_content(snapshot.tree.root, snapshot.tree.size);
  }

  static std::vector<store::StoredOutput> content_of(const store::WorkspaceRow& kept) {
    std::vector<store::StoredOutput> contents;
    for (const store::KeptTree& tree : kept.workspace.trees)
      contents.push_back(tree_content(tree.root, tree.size));
    return contents;
  }

  [[nodiscard]] std::vector<std::vector<ContentPart>> parts_of(
      const std::vector<ContentOwner>& owners) const {
    std::vector<std::vector<ContentPart>> parts(owners.size());
    for (std::size_t i = 0; i < owners.size(); ++i) {
      for (const store::StoredOutput& output : owners[i].outputs) add_parts(output, parts[i]);
    }
    return parts;
  }

  /// What is missing or damaged takes nothing.
  void add_parts(const store::StoredOutput& output, std::vector<ContentPart>& parts) const {
    if (output.kind == store::OutputKind::kFile) {
      parts.push_back({output.digest, on_disk(output.size)});
      return;
    }
    std::vector<std::pair<Digest, std::uint64_t>> pending{{output.digest, output.size}};
    std::unordered_set<Digest> seen{output.digest};
    while (!pending.empty()) {
      const auto [digest, size] = pending.back();
      pending.pop_back();
      parts.push_back({digest, on_disk(size)});
      const auto listing = engine_.content().read_directory(digest);
      if (!listing.ok()) continue;
      for (const store::FileEntry& file : listing->files)
        parts.push_back({file.digest, on_disk(file.size)});
      for (const store::DirectoryEntry& child : listing->directories) {
        if (seen.insert(child.digest).second) pending.emplace_back(child.digest, child.size);
      }
    }
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

  /// What the stage cache can still hand out.
  Result<void> add_results(store::LiveSet& live) {
    // Anew: other runs may have recorded more meanwhile, also with old content.
    results_ = TRY(engine_.actions().list());
    for (const auto& entry : results_) {
      for (const store::StoredOutput& output : entry.result.outputs) add_content(output, live);
      if (entry.result.tests) live.blobs.insert(entry.result.tests->blob.digest);
      if (entry.result.coverage) live.blobs.insert(entry.result.coverage->blob.digest);
    }
    return {};
  }

  /// Of the inputs of earlier stages, what `explain` compares.
  Result<void> add_compared_inputs(store::LiveSet& live) const {
    for (const auto& kept : TRY(decisions_.all_messages())) {
      const auto trees = store::input_trees({kept.stage_key, kept.messages});
      if (trees.ok()) live.listings.insert(trees->begin(), trees->end());
    }
    return {};
  }

  /// What stays: also saved caches, what the runs on record show, and what `shell` does.
  Result<store::LiveSet> live_content() {
    store::LiveSet live;
    TRY(add_results(live));
    for (const store::OutputRow& row : TRY(engine_.runs().all_outputs()))
      add_content(row.output, live);
    for (const auto& snapshot : TRY(caches_.list())) live.trees.insert(snapshot.tree.root);
    for (const Digest& tests : TRY(engine_.runs().test_reports().all())) live.blobs.insert(tests);
    for (const Digest& lines : TRY(engine_.runs().coverage().all())) live.blobs.insert(lines);
    for (const store::WorkspaceRow& kept : TRY(workspaces_.all())) TRY(add_workspace(kept, live));
    TRY(add_compared_inputs(live));
    return live;
  }

  LocalEngine& engine_;
  const store::DecisionStore& decisions_;
  store::CacheStore caches_;
  store::WorkspaceStore workspaces_;
  const RetentionPolicy& policy_;
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

std::vector<std::size_t> beyond_budget(const std::vector<ContentOwner>& owners,
                                       const std::vector<std::vector<ContentPart>>& parts,
                                       std::uint64_t budget) {
  std::vector<std::size_t> order(owners.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Those that keep theirs anyway count first.
  std::ranges::stable_sort(order, [&owners](std::size_t a, std::size_t b) {
    if (owners[a].fixed != owners[b].fixed) return owners[a].fixed;
    return owners[a].used > owners[b].used;
  });
  std::unordered_set<Digest> counted;
  std::vector<std::size_t> beyond;
  std::uint64_t total = 0;
  bool is_full = false;
  for (const std::size_t index : order) {
    std::uint64_t added = 0;
    for (const ContentPart& part : parts[index]) {
      if (!counted.contains(part.digest)) added += part.bytes;
    }
    is_full = is_full || total + added > budget;
    if (is_full && added != 0 && !owners[index].fixed) {
      beyond.push_back(index);
      continue;
    }
    for (const ContentPart& part : parts[index]) counted.insert(part.digest);
    total += added;
  }
  return beyond;
}

}  // namespace stagebox::run
