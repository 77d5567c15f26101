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
#include "runtime/run/engine/local_engine.h"
#include "runtime/store/content/collector.h"

namespace stagebox::run {

struct RetentionPolicy {
  /// Runs that ended, and results and saved caches that were last used, longer ago are forgotten.
  std::chrono::seconds keep = std::chrono::hours(168);
  /// What stages that failed longer ago left is forgotten.
  std::chrono::seconds keep_workspaces = std::chrono::hours(48);
  /// Runs beyond the newest so many are forgotten.
  std::optional<std::size_t> keep_runs = {};
  /// While stored content takes more bytes of the disk, what nobody needs is removed first; then
  /// recorded results, saved caches, the outputs of runs and kept workspaces are forgotten, those
  /// of untrusted domains before the others, the one used longest ago first.
  std::optional<std::uint64_t> max_bytes = {};
};

struct RetentionResult {
  std::size_t runs = 0;        ///< forgotten
  std::size_t results = 0;     ///< of the stage cache, forgotten
  std::size_t outputs = 0;     ///< runs whose outputs were forgotten for the budget
  std::size_t caches = 0;      ///< snapshots, forgotten
  std::size_t workspaces = 0;  ///< of stages that failed, forgotten
  store::CollectResult content;
  std::uint64_t log_bytes = 0;  ///< of the disk, that all logs take: beside the content, not in it
};

/// Pinned runs and those that are going on lose nothing, whatever the policy says; nor does what
/// was pinned, resumed or used while this works. Safe beside running stages.
base::Result<RetentionResult> retain(LocalEngine& engine, const RetentionPolicy& policy);

}  // namespace stagebox::run
