// WorkspaceStore: what stages that failed left in their workspaces, for `shell`. In the run
// database; the files themselves are trees of the content store.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::store {

struct WorkspaceRow {
  std::string run_id;
  std::string stage;
  std::optional<Digest> stage_key;
  Timestamp kept_at;
  KeptWorkspace workspace;
};

struct RunDatabase;

/// May be used from several threads and processes, as RunStore, which makes it and records.
class WorkspaceStore {
 public:
  /// None when the stage did not fail, or it was forgotten.
  base::Result<std::optional<KeptWorkspace>> find(const std::string& run_id,
                                                  const std::string& stage) const;
  /// For gc: all of them, in no order.
  base::Result<std::vector<WorkspaceRow>> all() const;
  /// Unless another one has been kept since, or the run is pinned. Whether it went.
  base::Result<bool> forget(const WorkspaceRow& kept) const;

 private:
  friend class RunStore;
  explicit WorkspaceStore(std::shared_ptr<RunDatabase> state) : state_(std::move(state)) {}

  std::shared_ptr<RunDatabase> state_;
};

}  // namespace stagebox::store
