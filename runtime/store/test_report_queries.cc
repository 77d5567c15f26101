#include "runtime/store/test_report_queries.h"

#include <chrono>
#include <cstdint>
#include <utility>

namespace stagebox::store {
namespace {

using base::Result;

/// From column `first` on: digest, size, passed, failed, skipped.
Result<TestReportRef> report_of(const Statement& row, int first) {
  const auto digest = Digest::from_hex(row.text(first));
  if (!digest.ok()) return base::corrupt("test results in the run database are damaged");
  const auto number = [&row](int column) {
    return static_cast<std::uint64_t>(row.integer(column));
  };
  return TestReportRef{.blob = {*digest, number(first + 1)},
                       .passed = number(first + 2),
                       .failed = number(first + 3),
                       .skipped = number(first + 4)};
}

Result<std::optional<Digest>> key_of(const std::string& column) {
  if (column.empty()) return std::optional<Digest>();
  const auto digest = Digest::from_hex(column);
  if (!digest.ok()) return base::corrupt("a stage key in the run database is damaged");
  return std::optional(*digest);
}

}  // namespace

Result<void> upsert_test_report(Database& database, const TestReportRow& row) {
  Statement statement = TRY(database.prepare(
      "INSERT OR REPLACE INTO test_reports(run_id, stage, attempt, digest, size, passed, failed, "
      "skipped) VALUES(?,?,?,?,?,?,?,?)"));
  statement.bind(row.run_id).bind(row.stage).bind(row.attempt).bind(row.report.blob.digest.hex());
  for (const std::uint64_t number :
       {row.report.blob.size, row.report.passed, row.report.failed, row.report.skipped})
    statement.bind(static_cast<std::int64_t>(number));
  return statement.run();
}

Result<std::vector<TestReportRow>> test_reports_of(Database& database, const std::string& run_id) {
  Statement rows = TRY(database.prepare(
      "SELECT stage, attempt, digest, size, passed, failed, skipped FROM test_reports "
      "WHERE run_id = ? ORDER BY stage, attempt"));
  rows.bind(run_id);
  std::vector<TestReportRow> found;
  for (;;) {
    const bool more = TRY(rows.step());
    if (!more) return found;
    const TestReportRef report = TRY(report_of(rows, 2));
    found.push_back({run_id, rows.text(0), rows.integer(1), report});
  }
}

Result<std::vector<EarlierTests>> earlier_tests(Database& database, const RunRecord& run,
                                                const std::string& stage, std::size_t limit) {
  // A trusted run never looks at what others say of its tests.
  Statement rows = TRY(database.prepare(
      "SELECT runs.id, runs.started_at, tests.attempt, stages.stage_key, tests.digest, tests.size, "
      "tests.passed, tests.failed, tests.skipped "
      "FROM runs JOIN test_reports AS tests ON tests.run_id = runs.id AND tests.stage = ?1 "
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
    tests.run_started_at = Timestamp(std::chrono::milliseconds(rows.integer(1)));
    tests.attempt = rows.integer(2);
    tests.stage_key = TRY(key_of(rows.text(3)));
    tests.report = TRY(report_of(rows, 4));
    earlier.push_back(std::move(tests));
  }
}

Result<std::vector<Digest>> every_test_report(Database& database) {
  Statement rows = TRY(database.prepare("SELECT DISTINCT digest FROM test_reports"));
  std::vector<Digest> found;
  for (;;) {
    const bool more = TRY(rows.step());
    if (!more) return found;
    const auto digest = Digest::from_hex(rows.text(0));
    if (!digest.ok()) return base::corrupt("test results in the run database are damaged");
    found.push_back(*digest);
  }
}

}  // namespace stagebox::store
