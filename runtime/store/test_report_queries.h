// The SQL of where the results of stages' tests are; as run_queries.h.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/run_types.h"
#include "runtime/store/sqlite.h"
#include "runtime/store/test_report_store.h"

namespace stagebox::store {

/// The stage must be there.
base::Result<void> upsert_test_report(Database& database, const TestReportRow& row);
/// By stage and attempt.
base::Result<std::vector<TestReportRow>> test_reports_of(Database& database,
                                                         const std::string& run_id);
base::Result<std::vector<EarlierTests>> earlier_tests(Database& database, const RunRecord& run,
                                                      const std::string& stage, std::size_t limit);
base::Result<std::vector<Digest>> every_test_report(Database& database);

}  // namespace stagebox::store
