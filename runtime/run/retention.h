// Retention: what of runs, recorded results and stored content is kept, and for how long. It
// decides what is forgotten; removing content that nothing needs any more is the store's part, and
// images are the image store's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/local_engine.h"
#include "runtime/store/collector.h"

namespace stagebox::run {

struct RetentionPolicy {
  /// Runs that ended, and results and saved caches that were last used, longer ago are forgotten.
  std::chrono::seconds keep = std::chrono::hours(168);
  /// What stages that failed longer ago left is forgotten.
  std::chrono::seconds keep_workspaces = std::chrono::hours(48);
  /// Runs beyond the newest so many are forgotten.
  std::optional<std::size_t> keep_runs = {};
  /// While stored content takes more bytes of the disk, what nobody needs is removed first; then
  /// recorded results, saved caches, the outputs of runs and kept workspaces are forgotten, the one
  /// used longest ago first.
  std::optional<std::uint64_t> max_bytes = {};
};

struct RetentionResult {
  std::size_t runs = 0;        ///< forgotten
  std::size_t results = 0;     ///< of the stage cache, forgotten
  std::size_t outputs = 0;     ///< runs whose outputs were forgotten for the budget
  std::size_t caches = 0;      ///< snapshots, forgotten
  std::size_t workspaces = 0;  ///< of stages that failed, forgotten
  store::CollectResult content;
};

/// Pinned runs and those that are going on lose nothing, whatever the policy says. Safe beside
/// running stages.
base::Result<RetentionResult> retain(LocalEngine& engine, const RetentionPolicy& policy);

/// Somebody who needs content: a recorded result, a run, or a saved cache.
struct ContentOwner {
  std::chrono::system_clock::time_point used;
  bool fixed = false;  ///< keeps its content whatever the budget
  std::vector<store::StoredOutput> outputs;
};

/// A stored blob and what it takes.
struct ContentPart {
  base::Digest digest;
  std::uint64_t bytes = 0;
};

/// Which owners are beyond the budget: from the one used last on, parts are added up, each once;
/// who does not fit any more, and everybody used before, is beyond, but for those who only need
/// what others keep anyway. Pure.
std::vector<std::size_t> beyond_budget(const std::vector<ContentOwner>& owners,
                                       const std::vector<std::vector<ContentPart>>& parts,
                                       std::uint64_t budget);

}  // namespace stagebox::run
