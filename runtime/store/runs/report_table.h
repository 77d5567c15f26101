// ReportTable: the SQL of a table that says, for attempts of stages, which blob has what their
// reports said, and some counts of that. As run_queries.h.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/runs/sqlite.h"

namespace stagebox::store {

/// `Ref` has a `blob` and the counts.
template <typename Ref>
struct ReportTable {
  std::string name;
  std::string noun;  ///< What is damaged: "test results".
  std::vector<std::pair<std::string, std::uint64_t Ref::*>> counts;

  /// "digest, size, ..." with a prefix before each, for report_of().
  [[nodiscard]] std::string columns(const std::string& prefix = "") const {
    std::string all = prefix + "digest, " + prefix + "size";
    for (const auto& [column, member] : counts) all.append(", ").append(prefix).append(column);
    return all;
  }

  /// From column `first` on: columns().
  [[nodiscard]] base::Result<Ref> report_of(const Statement& row, int first) const {
    const auto digest = Digest::from_hex(row.text(first));
    if (!digest.ok()) return base::corrupt(noun + " in the run database are damaged");
    Ref report;
    report.blob = {*digest, static_cast<std::uint64_t>(row.integer(first + 1))};
    int column = first + 2;
    for (const auto& [count, member] : counts)
      report.*member = static_cast<std::uint64_t>(row.integer(column++));
    return report;
  }

  /// The stage must be there.
  [[nodiscard]] base::Result<void> upsert(Database& database, const ReportRow<Ref>& row) const {
    std::string values = "?,?,?,?,?";
    for (std::size_t i = 0; i < counts.size(); ++i) values += ",?";
    Statement statement =
        TRY(database.prepare("INSERT OR REPLACE INTO " + name + "(run_id, stage, attempt, " +
                             columns() + ") VALUES(" + values + ")"));
    statement.bind(row.run_id).bind(row.stage).bind(row.attempt);
    statement.bind(row.report.blob.digest.hex());
    statement.bind(static_cast<std::int64_t>(row.report.blob.size));
    for (const auto& [column, member] : counts)
      statement.bind(static_cast<std::int64_t>(row.report.*member));
    return statement.run();
  }

  /// By stage and attempt.
  [[nodiscard]] base::Result<std::vector<ReportRow<Ref>>> of_run(Database& database,
                                                                 const std::string& run_id) const {
    Statement rows = TRY(database.prepare("SELECT stage, attempt, " + columns() + " FROM " + name +
                                          " WHERE run_id = ? ORDER BY stage, attempt"));
    rows.bind(run_id);
    std::vector<ReportRow<Ref>> found;
    for (;;) {
      const bool more = TRY(rows.step());
      if (!more) return found;
      const Ref report = TRY(report_of(rows, 2));
      found.push_back({run_id, rows.text(0), rows.integer(1), report});
    }
  }

  [[nodiscard]] base::Result<std::vector<Digest>> all(Database& database) const {
    Statement rows = TRY(database.prepare("SELECT DISTINCT digest FROM " + name));
    std::vector<Digest> found;
    for (;;) {
      const bool more = TRY(rows.step());
      if (!more) return found;
      const auto digest = Digest::from_hex(rows.text(0));
      if (!digest.ok()) return base::corrupt(noun + " in the run database are damaged");
      found.push_back(*digest);
    }
  }
};

}  // namespace stagebox::store
