#include "runtime/store/runs/test_report_store.h"

#include <mutex>

#include "runtime/store/runs/run_database.h"
#include "runtime/store/runs/test_report_queries.h"

namespace stagebox::store {

base::Result<std::vector<EarlierTests>> TestReportStore::earlier(const RunRecord& run,
                                                                 const std::string& stage,
                                                                 std::size_t limit) const {
  const std::lock_guard guard(state_->mutex);
  return earlier_tests(state_->database, run, stage, limit);
}

base::Result<std::vector<Digest>> TestReportStore::all() const {
  const std::lock_guard guard(state_->mutex);
  return test_report_table().all(state_->database);
}

}  // namespace stagebox::store
