#include "runtime/store/runs/coverage_queries.h"

#include "runtime/base/trust_domain.h"

namespace stagebox::store {

using base::Result;

const ReportTable<CoverageRef>& coverage_table() {
  static const ReportTable<CoverageRef> kTable{
      "coverage",
      "coverage reports",
      {{"lines", &CoverageRef::lines},
       {"lines_covered", &CoverageRef::lines_covered},
       {"branches", &CoverageRef::branches},
       {"branches_covered", &CoverageRef::branches_covered}}};
  return kTable;
}

Result<std::optional<EarlierCoverage>> last_trusted_coverage(Database& database,
                                                             const std::string& run_id,
                                                             const std::string& stage) {
  // Of what was taken from the cache in the end nothing ran: then attempt 0 has it.
  Statement rows = TRY(database.prepare(
      "SELECT runs.id, " + coverage_table().columns("coverage.") +
      " FROM runs AS own "
      "JOIN runs ON runs.rowid < own.rowid AND runs.domain = ?3 "
      "AND CASE WHEN own.pipeline <> '' THEN runs.pipeline = own.pipeline "
      "ELSE runs.file = own.file END "
      "JOIN stages ON stages.run_id = coalesce(runs.stages_of, runs.id) AND stages.stage = ?2 "
      "AND stages.state IN ('succeeded', 'cached') "
      "JOIN coverage ON coverage.run_id = stages.run_id AND coverage.stage = ?2 "
      "AND coverage.lines > 0 "
      "AND (coverage.attempt = 0) = (stages.state = 'cached') "
      "WHERE own.id = ?1 ORDER BY runs.rowid DESC, coverage.attempt DESC LIMIT 1"));
  rows.bind(run_id).bind(stage).bind(base::TrustDomain().text());
  const bool found = TRY(rows.step());
  if (!found) return std::optional<EarlierCoverage>();
  const CoverageRef coverage = TRY(coverage_table().report_of(rows, 1));
  return std::optional(EarlierCoverage{rows.text(0), coverage});
}

}  // namespace stagebox::store
