// The run database's schema and its history: one step per version, applied in order, never edited
// once released.
#pragma once

#include "runtime/base/result.h"
#include "runtime/store/runs/sqlite.h"

namespace stagebox::store {

/// What PRAGMA user_version says of a database this program can use.
int current_run_schema();

/// Brings the database to the current version, in one transaction. kUnsupported when it is newer
/// than this program, kInvalid when it belongs to another program.
base::Result<void> migrate_run_schema(Database& database);

}  // namespace stagebox::store
