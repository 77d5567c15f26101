// The SQL of what stages' tests covered; as run_queries.h.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/store/runs/coverage_store.h"
#include "runtime/store/runs/report_table.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/runs/sqlite.h"

namespace stagebox::store {

const ReportTable<CoverageRef>& coverage_table();
/// As CoverageStore::last_trusted().
base::Result<std::optional<EarlierCoverage>> last_trusted_coverage(Database& database,
                                                                   const std::string& run_id,
                                                                   const std::string& stage);

}  // namespace stagebox::store
