// Collector: removes from the content store what nobody needs. Internal to the store, but for the
// plain types; ContentStore::collect is the way in.
//
// Safe beside running processes, in three layers:
//   - Whoever stores or looks up something holds cas/lock shared for that operation; gc takes it
//     alone, for a moment per directory. So nothing vanishes between "it is there" and its use, and
//     whatever stands in cas/tmp then belongs to the dead.
//   - Finding something marks it as used now, and what was used within `older_than` stays. That
//     covers the time from storing something to recording it where `mark` sees it.
//   - A materialised tree is locked by each process that may have it mounted. (A blob that is
//     mounted or linked lives on without its name.)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>

#include "runtime/base/result.h"
#include "runtime/store/blob_files.h"
#include "runtime/store/content_types.h"

namespace stagebox::store {

/// What must stay: blobs in both variants, and trees with everything they reach.
struct LiveSet {
  std::set<Digest> blobs;
  std::set<Digest> trees;
};

struct CollectOptions {
  /// Must be longer than what a running process may need from storing something to recording it.
  /// The time of last use is exact to ten minutes (kUseResolution).
  std::chrono::seconds older_than = std::chrono::hours(24);
};

struct CollectResult {
  std::uint64_t blobs = 0;
  std::uint64_t trees = 0;        ///< materialised ones
  std::uint64_t temporaries = 0;  ///< left by processes that died
  std::uint64_t bytes = 0;        ///< disk space freed (blobs that no remaining tree links to)
  bool operator==(const CollectResult&) const = default;
};

base::Result<CollectResult> collect(const BlobFiles& files, const CollectOptions& options,
                                    const std::function<base::Result<LiveSet>()>& mark);

}  // namespace stagebox::store
