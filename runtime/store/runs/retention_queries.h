// The SQL of what gc needs of the run store: pins, and outputs that are forgotten before their run.
// Internal to the run store.
#pragma once

#include <set>
#include <string>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/runs/sqlite.h"

namespace stagebox::store {

base::Result<void> insert_pin(Database& database, const std::string& run_id);
base::Result<void> delete_pin(Database& database, const std::string& run_id);
base::Result<std::set<std::string>> pins(Database& database);
base::Result<std::set<std::string>> log_paths(Database& database);
/// Whether the run ended when `run` says, and is not pinned.
base::Result<bool> is_unneeded(Database& database, const RunRecord& run);
/// Unless a run that shares them is pinned. Whether there were any.
base::Result<bool> delete_outputs(Database& database, const std::string& run_id, Timestamp looked);

}  // namespace stagebox::store
