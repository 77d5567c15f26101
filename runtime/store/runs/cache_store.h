// CacheStore: which snapshots of caches there are: the tree that a stage left in a cache directory,
// by trust domain, pipeline, path and key. In the run database; the trees are in the ContentStore.
// A snapshot never changes: the first one with its key stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/trust_domain.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::store {

/// Whose keys these are: no other cache, pipeline or domain sees them.
struct CachePlace {
  base::TrustDomain domain;
  std::string pipeline;  ///< its name, or its file where it has none
  std::string path;      ///< in the workspace
  bool operator==(const CachePlace&) const = default;
};

struct CacheSnapshot {
  std::int64_t id = 0;  ///< of this machine's store; set by it
  CachePlace place;
  std::string key;
  TreeRef tree;
  std::string run_id;  ///< the run that saved it
  std::string stage;
  Timestamp saved_at{};
  Timestamp used_at{};  ///< last restored; at first when it was saved
  bool operator==(const CacheSnapshot&) const = default;
};

struct RunDatabase;

/// May be used from several threads and processes, as RunStore, which makes it.
class CacheStore {
 public:
  base::Result<std::optional<CacheSnapshot>> find(const CachePlace& place,
                                                  const std::string& key) const;
  /// Those whose key begins so, the one saved last first.
  base::Result<std::vector<CacheSnapshot>> find_beginning(const CachePlace& place,
                                                          std::string_view prefix,
                                                          std::size_t limit) const;
  /// False when there is one with this key already: it stays.
  base::Result<bool> add(const CacheSnapshot& snapshot) const;
  /// Nothing there is success.
  base::Result<void> mark_used(std::int64_t id, Timestamp now) const;
  /// Nothing there is success: false.
  base::Result<bool> remove(std::int64_t id) const;
  /// Unless it has been used since it was listed. Whether it went.
  base::Result<bool> remove_unused(const CacheSnapshot& snapshot) const;
  /// All of them, the one used last first.
  base::Result<std::vector<CacheSnapshot>> list() const;

 private:
  friend class RunStore;
  explicit CacheStore(std::shared_ptr<RunDatabase> state) : state_(std::move(state)) {}

  std::shared_ptr<RunDatabase> state_;
};

}  // namespace stagebox::store
