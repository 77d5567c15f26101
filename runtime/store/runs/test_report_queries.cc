#include "runtime/store/runs/test_report_queries.h"

#include <cstdint>
#include <utility>

#include "runtime/store/runs/key_column.h"
#include "runtime/store/runs/timestamp_column.h"

namespace stagebox::store {

using base::Result;

const ReportTable<TestReportRef>& test_report_table() {
  static const ReportTable<TestReportRef> kTable{"test_reports",
                                                 "test results",
                                                 {{"passed", &TestReportRef::passed},
                                                  {"failed", &TestReportRef::failed},
                                                  {"skipped", &TestReportRef::skipped}}};
  return kTable;
}

Result<std::vector<EarlierTests>> earlier_tests(Database& database, const RunRecord& run,
                                                const std::string& stage, std::size_t limit) {
  // A trusted run never looks at what others say of its tests.
  Statement rows = TRY(database.prepare(
      "SELECT runs.id, runs.started_at, tests.attempt, stages.stage_key, " +
      test_report_table().columns("tests.") +
      " FROM runs JOIN test_reports AS tests ON tests.run_id = runs.id AND tests.stage = ?1 "
      "JOIN stages ON stages.run_id = runs.id AND stages.stage = ?1 "
      "WHERE runs.rowid < (SELECT rowid FROM runs WHERE id = ?2) AND tests.attempt > 0 "
      "AND CASE WHEN ?3 <> '' THEN runs.pipeline = ?3 ELSE runs.file = ?4 END "
      "AND runs.domain IN (?5, ?6) "
      "ORDER BY runs.rowid DESC, tests.attempt DESC LIMIT ?7"));
  const auto readable = run.domain.also_reads();
  rows.bind(stage).bind(run.id).bind(run.pipeline).bind(run.file).bind(run.domain.text());
  rows.bind((readable.empty() ? run.domain : readable.front()).text());
  rows.bind(static_cast<std::int64_t>(limit));
  std::vector<EarlierTests> earlier;
  for (;;) {
    const bool more = TRY(rows.step());
    if (!more) return earlier;
    EarlierTests tests;
    tests.run_id = rows.text(0);
    tests.run_started_at = time_of(rows.integer(1));
    tests.attempt = rows.integer(2);
    tests.stage_key = TRY(key_of(rows.text(3)));
    tests.report = TRY(test_report_table().report_of(rows, 4));
    earlier.push_back(std::move(tests));
  }
}

}  // namespace stagebox::store
