#include "runtime/store/runs/workspace_store.h"

#include <mutex>

#include "runtime/store/runs/run_database.h"
#include "runtime/store/runs/workspace_queries.h"

namespace stagebox::store {

using base::Result;

Result<std::optional<KeptWorkspace>> WorkspaceStore::find(const std::string& run_id,
                                                          const std::string& stage) const {
  const std::lock_guard guard(state_->mutex);
  return workspace_of(state_->database, run_id, stage);
}

Result<std::vector<WorkspaceRow>> WorkspaceStore::all() const {
  const std::lock_guard guard(state_->mutex);
  return every_workspace(state_->database);
}

Result<bool> WorkspaceStore::forget(const WorkspaceRow& kept) const {
  const std::lock_guard guard(state_->mutex);
  return delete_unneeded_workspace(state_->database, kept);
}

}  // namespace stagebox::store
