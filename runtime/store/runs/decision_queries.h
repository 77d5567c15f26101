// The SQL that writes decisions down; as run_queries.h. DecisionStore reads them.
#pragma once

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/runs/sqlite.h"

namespace stagebox::store {

/// Adds or replaces; the run must be there.
base::Result<void> upsert_decision(Database& database, const NotedDecision& noted);

}  // namespace stagebox::store
