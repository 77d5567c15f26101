// Which logs stay: those that a stage on record has, or would have if it was taken from the stage
// cache.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/action_cache.h"
#include "runtime/store/home.h"
#include "runtime/store/runs/run_store.h"

namespace stagebox::run {

/// Removes the log directories of the runs `forgotten`, and of others that are not on record and
/// older than `keep` (the run database may have been lost, and they are all that is left of it),
/// but for the files that a stage on record or one of `results` names.
base::Result<void> remove_orphaned_logs(const store::Home& home, const store::RunStore& runs,
                                        const std::set<std::string>& forgotten,
                                        const std::vector<store::ActionCache::Entry>& results,
                                        std::chrono::seconds keep);

/// Compresses what a Stagebox that was killed left uncompressed, in the directories of runs that
/// are on record and over, and removes archives that it did not finish.
base::Result<void> tend_logs(const store::Home& home, const store::RunStore& runs);

/// What all logs take of the disk, in bytes.
base::Result<std::uint64_t> size_of_logs(const store::Home& home);

}  // namespace stagebox::run
