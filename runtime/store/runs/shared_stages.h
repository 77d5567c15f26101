// The SQL of stages that several runs share: a run in which nothing ran has those of an earlier
// one. As run_queries.h. Who reads rows of a run's stages reads those of RunRecord::stages_of, if
// that is not empty.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/runs/sqlite.h"

namespace stagebox::store {

/// Changes nothing when the owner of the stages is not as `shared` says.
base::Result<void> insert_shared_run(Database& database, const RunRecord& run,
                                     const SharedStages& shared);
/// Gives the stages of a run that goes away to the oldest that shares them, and the others share
/// that one's. In a transaction.
base::Result<void> hand_over_stages(Database& database, const std::string& run_id);
/// Rows of the owner as those of `details.run`, which found everything done when it ended.
void make_own(RunDetails& details);

}  // namespace stagebox::store
