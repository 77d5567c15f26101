// The SQL of where stages' summaries are; as run_queries.h.
#pragma once

#include "runtime/store/runs/report_table.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::store {

const ReportTable<SummaryRef>& summary_table();

}  // namespace stagebox::store
