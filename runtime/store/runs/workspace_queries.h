// The SQL of kept workspaces. Internal to the run store and WorkspaceStore.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/runs/sqlite.h"
#include "runtime/store/runs/workspace_store.h"

namespace stagebox::store {

/// What there is of an earlier attempt goes when this one left another, or succeeded; not when it
/// only begins, or ended without a workspace of its own.
base::Result<void> update_workspace(Database& database, const AttemptRow& attempt,
                                    const std::optional<KeptWorkspace>& workspace);
base::Result<std::optional<KeptWorkspace>> workspace_of(Database& database,
                                                        const std::string& run_id,
                                                        const std::string& stage);
base::Result<std::vector<WorkspaceRow>> every_workspace(Database& database);
base::Result<void> delete_workspace(Database& database, const std::string& run_id,
                                    const std::string& stage);
/// Only the very one that was `kept`, and of no pinned run. Whether it went.
base::Result<bool> delete_unneeded_workspace(Database& database, const WorkspaceRow& kept);

}  // namespace stagebox::store
