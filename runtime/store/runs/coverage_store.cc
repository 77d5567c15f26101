#include "runtime/store/runs/coverage_store.h"

#include <mutex>

#include "runtime/store/runs/coverage_queries.h"
#include "runtime/store/runs/run_database.h"

namespace stagebox::store {

base::Result<std::optional<EarlierCoverage>> CoverageStore::last_trusted(
    const std::string& run_id, const std::string& stage) const {
  const std::lock_guard guard(state_->mutex);
  return last_trusted_coverage(state_->database, run_id, stage);
}

base::Result<std::vector<Digest>> CoverageStore::all() const {
  const std::lock_guard guard(state_->mutex);
  return coverage_table().all(state_->database);
}

}  // namespace stagebox::store
