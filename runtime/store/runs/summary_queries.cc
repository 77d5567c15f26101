#include "runtime/store/runs/summary_queries.h"

namespace stagebox::store {

const ReportTable<SummaryRef>& summary_table() {
  static const ReportTable<SummaryRef> kTable{
      "summaries", "summaries of stages", {{"lines", &SummaryRef::lines}}};
  return kTable;
}

}  // namespace stagebox::store
