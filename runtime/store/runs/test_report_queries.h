// The SQL of where the results of stages' tests are; as run_queries.h.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/runs/report_table.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/runs/sqlite.h"
#include "runtime/store/runs/test_report_store.h"

namespace stagebox::store {

const ReportTable<TestReportRef>& test_report_table();
base::Result<std::vector<EarlierTests>> earlier_tests(Database& database, const RunRecord& run,
                                                      const std::string& stage, std::size_t limit);

}  // namespace stagebox::store
