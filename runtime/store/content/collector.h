// Collector: removes from the content store what nobody needs. Internal to the store, but for the
// plain types; ContentStore::collect is the way in.
//
// Safe beside running processes, in three layers:
//   - Whoever stores or looks up something holds cas/lock shared for that operation; gc takes it
//     alone, for a moment per directory. So nothing vanishes between "it is there" and its use, and
//     whatever stands in cas/tmp then belongs to the dead.
//   - Finding something marks it as used now, and what was used within `older_than` stays. That
//     covers the time from storing something to recording it where `mark` sees it.
//     As that mark is exact to ten minutes (kUseResolution), `older_than` counts as a little more
//     than these while another process has the store open.
//   - A materialised tree is locked by each process that may have it mounted. (A blob that is
//     mounted or linked lives on without its name.)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <unordered_map>

#include "runtime/base/result.h"
#include "runtime/store/content/blob_files.h"
#include "runtime/store/content/content_types.h"

namespace stagebox::store {

/// What must stay: blobs in both variants, trees with everything they reach, and of other trees the
/// Directory messages alone, without files.
struct LiveSet {
  std::set<Digest> blobs;
  std::set<Digest> trees;
  std::set<Digest> listings = {};
};

struct CollectOptions {
  /// What was used within this time stays.
  std::chrono::seconds older_than = std::chrono::hours(24);
  /// When the blobs take more than this many bytes of the disk, younger ones that nobody needs go
  /// too, the one that was used longest ago first, and all materialised trees that nobody has open.
  std::optional<std::uint64_t> max_bytes = {};
};

struct CollectResult {
  std::uint64_t blobs = 0;
  std::uint64_t trees = 0;        ///< materialised ones
  std::uint64_t temporaries = 0;  ///< left by processes that died
  std::uint64_t bytes = 0;        ///< disk space freed (blobs that no remaining tree links to)
  std::uint64_t remaining = 0;    ///< disk space that the blobs take now
  bool operator==(const CollectResult&) const = default;
};

/// What each stored blob takes of the disk in bytes, both variants together.
base::Result<std::unordered_map<Digest, std::uint64_t>> blob_sizes(const BlobFiles& files);

/// Whether another process may have the store open meanwhile.
enum class Company { kNone, kPossible };
base::Result<CollectResult> collect(const BlobFiles& files, const CollectOptions& options,
                                    Company company,
                                    const std::function<base::Result<LiveSet>()>& mark);

}  // namespace stagebox::store
