#include "runtime/run/stage_caches.h"

#include <algorithm>
#include <utility>

#include "runtime/run/secret_leak.h"
#include "runtime/run/secrets/secret_masker.h"
#include "runtime/run/stage/cache_key.h"
#include "runtime/run/stage/stage_command.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::TrustDomain;
using base::UniqueFd;

/// So many damaged ones are passed over before it counts as a miss.
constexpr std::size_t kMostTried = 8;

Result<UniqueFd> open_empty(const store::ContentStore& content, const store::StageIds& ids) {
  // A Directory message without entries.
  const store::BlobRef empty = TRY(content.put_bytes(""));
  return content.open_overlay_tree(empty.digest, ids);
}

// As long as nobody tried.
std::string why_not_saved(scheduler::CacheSave save) {
  switch (save) {
    case scheduler::CacheSave::kAlways:
      return "the stage did not run to an end of its own";
    case scheduler::CacheSave::kNever:
      return "it is only restored (`save: never`)";
    case scheduler::CacheSave::kSuccess:
      break;
  }
  return "the stage did not succeed";
}

bool is_saved(scheduler::CacheSave save, StageCaches::After after) {
  if (save == scheduler::CacheSave::kSuccess) return after == StageCaches::After::kSuccess;
  return save == scheduler::CacheSave::kAlways;
}

std::size_t count_overlays(const std::vector<sandbox::InputMount>& inputs) {
  return static_cast<std::size_t>(
      std::ranges::count(inputs, sandbox::InputMount::Mode::kOverlay, &sandbox::InputMount::mode));
}

}  // namespace

Result<StageCaches> StageCaches::restore(const CacheServices& services,
                                         const scheduler::Stage& stage,
                                         const std::vector<ResolvedInput>& inputs,
                                         const store::StageIds& ids) {
  StageCaches caches(services);
  for (const scheduler::Cache& cache : stage.caches) {
    auto restored = caches.restore_one(cache, inputs, ids);
    if (!restored.ok()) return restored.error().with_context("the cache " + cache.path.str());
    caches.caches_.push_back(std::move(*restored));
  }
  return caches;
}

Result<StageCaches::Restored> StageCaches::restore_one(const scheduler::Cache& cache,
                                                       const std::vector<ResolvedInput>& inputs,
                                                       const store::StageIds& ids) const {
  Restored restored;
  restored.report.path = cache.path.str();
  restored.report.not_saved = why_not_saved(cache.save);  // Until it is.
  restored.report.key = TRY(cache_key(cache.key, inputs, services_.content));
  if (take_key(restored.report.key, ids, restored)) return restored;
  for (const scheduler::CacheKey& beginning : cache.restore) {
    const std::string prefix = TRY(cache_key(beginning, inputs, services_.content));
    if (take_beginning(prefix, ids, restored)) return restored;
  }
  restored.lower = TRY(open_empty(services_.content, ids));
  return restored;
}

std::vector<TrustDomain> StageCaches::readable_domains() const {
  std::vector<TrustDomain> domains{services_.domain};
  for (TrustDomain& other : services_.domain.also_reads()) domains.push_back(std::move(other));
  return domains;
}

store::CachePlace StageCaches::place(const TrustDomain& domain, const std::string& path) const {
  return {domain, services_.pipeline, path};
}

bool StageCaches::take_key(const std::string& key, const store::StageIds& ids,
                           Restored& restored) const {
  for (const TrustDomain& domain : readable_domains()) {
    const auto found = services_.caches.find(place(domain, restored.report.path), key);
    if (found.ok() && *found && take(**found, ids, CacheRestored::kHit, restored)) return true;
  }
  return false;
}

bool StageCaches::take_beginning(const std::string& prefix, const store::StageIds& ids,
                                 Restored& restored) const {
  for (const TrustDomain& domain : readable_domains()) {
    const auto found =
        services_.caches.find_beginning(place(domain, restored.report.path), prefix, kMostTried);
    if (!found.ok()) continue;
    for (const store::CacheSnapshot& snapshot : *found) {
      if (take(snapshot, ids, CacheRestored::kBeginning, restored)) return true;
    }
  }
  return false;
}

bool StageCaches::take(const store::CacheSnapshot& snapshot, const store::StageIds& ids,
                       CacheRestored how, Restored& restored) const {
  auto lower = services_.content.open_overlay_tree(snapshot.tree.root, ids);
  if (!lower.ok()) {
    const bool gone = lower.error().kind == base::ErrorKind::kNotFound ||
                      lower.error().kind == base::ErrorKind::kCorrupt;
    // So that its key can be saved anew; but what is another domain's is not ours to change.
    if (gone && snapshot.place.domain == services_.domain)
      (void)services_.caches.remove(snapshot.id);
    return false;
  }
  restored.lower = std::move(*lower);
  restored.report.restored = how;
  restored.report.restored_key = snapshot.key;
  restored.report.restored_domain = snapshot.place.domain;
  restored.report.restored_root = snapshot.tree.root;
  restored.report.restored_run = snapshot.run_id;
  // Else it only looks older; and how long another domain keeps it is not ours to change either.
  if (snapshot.place.domain == services_.domain)
    (void)services_.caches.mark_used(snapshot.id, store::timestamp_now());
  return true;
}

void StageCaches::add_mounts(LaunchRequest& request) {
  for (Restored& cache : caches_) {
    cache.overlay_index = count_overlays(request.spec.inputs);
    sandbox::InputMount mount;
    mount.target = std::string(kWorkspace) + "/" + cache.report.path;
    mount.source = request.inputs.size();
    mount.mode = sandbox::InputMount::Mode::kOverlay;
    mount.kind = sandbox::InputMount::Kind::kDirectory;
    request.spec.inputs.push_back(std::move(mount));
    request.inputs.push_back(std::move(cache.lower));
  }
}

void StageCaches::save(After after, const scheduler::Stage& stage, LeftWorkspace& left,
                       const SecretAutomaton* secrets, const std::stop_token& stop) {
  for (std::size_t i = 0; i < caches_.size(); ++i) {
    if (!is_saved(stage.caches[i].save, after)) continue;
    const auto saved = save_one(stage, stage.caches[i], caches_[i], left, secrets, stop);
    caches_[i].report.saved = saved.ok();
    caches_[i].report.not_saved = saved.ok() ? "" : saved.error().message;
  }
}

Result<void> StageCaches::check_wanted(const CacheReport& report,
                                       const SecretAutomaton* secrets) const {
  if (!services_.policy.saves_caches()) return base::invalid("the policy permits only to read it");
  const auto known = TRY(services_.caches.find(place(services_.domain, report.path), report.key));
  if (known || report.restored == CacheRestored::kHit)
    return base::invalid("there is a snapshot with this key already");
  if (secrets != nullptr && masked(*secrets, report.key) != report.key)
    return base::invalid("its key contains a secret");
  return {};
}

Result<void> StageCaches::save_one(const scheduler::Stage& stage, const scheduler::Cache& cache,
                                   const Restored& restored, LeftWorkspace& left,
                                   const SecretAutomaton* secrets,
                                   const std::stop_token& stop) const {
  const CacheReport& report = restored.report;
  TRY(check_wanted(report, secrets));
  const int directory = TRY(left.view_of(restored.overlay_index));
  store::TreeOptions options;
  options.max_bytes = services_.policy.capped_cache(cache.max_size.value_or(kDefaultMaxCache));
  options.stop = stop;
  if (secrets != nullptr) {
    const auto leak =
        TRY(find_secret_below(directory, *secrets, {options.max_bytes, options.max_entries, stop}));
    if (leak) return base::invalid(*leak);
  }
  const store::TreeRef tree = TRY(services_.content.put_tree(directory, options));
  if (tree.size == 0) return base::invalid("it is empty");
  store::CacheSnapshot snapshot;
  snapshot.place = place(services_.domain, report.path);
  snapshot.key = report.key;
  snapshot.tree = tree;
  snapshot.run_id = services_.run_id;
  snapshot.stage = stage.id;
  snapshot.saved_at = snapshot.used_at = store::timestamp_now();
  const bool added = TRY(services_.caches.add(snapshot));
  if (!added) return base::invalid("another stage saved this key meanwhile");
  return {};
}

std::vector<CacheReport> StageCaches::take_reports(const SecretAutomaton* secrets) {
  std::vector<CacheReport> reports;
  for (Restored& cache : caches_) {
    CacheReport& report = reports.emplace_back(std::move(cache.report));
    if (secrets == nullptr) continue;
    for (std::string* text : {&report.key, &report.restored_key, &report.not_saved})
      *text = masked(*secrets, *text);
  }
  return reports;
}

}  // namespace stagebox::run
