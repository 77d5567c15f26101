#include "runtime/store/runs/shared_stages.h"

#include "runtime/store/runs/timestamp_column.h"

namespace stagebox::store {
namespace {

using base::Result;

/// Empty: nobody shares them.
Result<std::string> heir_of(Database& database, const std::string& run_id) {
  Statement statement =
      TRY(database.prepare("SELECT id FROM runs WHERE stages_of = ? ORDER BY rowid LIMIT 1"));
  const bool found = TRY(statement.bind(run_id).step());
  return found ? statement.text(0) : std::string();
}

Result<void> move_rows(Database& database, const std::string& from, const std::string& to) {
  // Rows refer to rows that move with them. Should one be left behind, the commit fails.
  TRY(database.execute("PRAGMA defer_foreign_keys=ON"));
  Statement stages = TRY(
      database.prepare("UPDATE stages SET run_id = ?1, "
                       "ended_at = (SELECT ended_at FROM runs WHERE id = ?1) WHERE run_id = ?2"));
  TRY(stages.bind(to).bind(from).run());
  for (const char* table : {"outputs", "attempts", "test_reports", "coverage", "summaries",
                            "kept_workspaces", "kept_trees"}) {
    Statement rows =
        TRY(database.prepare(std::string("UPDATE ") + table + " SET run_id = ? WHERE run_id = ?"));
    TRY(rows.bind(to).bind(from).run());
  }
  return {};
}

// The run has no other one's stages any more.
Result<void> forget_shared_stages(Database& database, const std::string& run_id) {
  Statement statement = TRY(database.prepare("UPDATE runs SET stages_of = NULL WHERE id = ?"));
  return statement.bind(run_id).run();
}

}  // namespace

Result<void> insert_shared_run(Database& database, const RunRecord& run,
                               const SharedStages& shared) {
  Statement statement = TRY(database.prepare(
      "INSERT INTO runs(id, pipeline, file, started_at, ended_at, state, pid, instance, request, "
      "domain, stages_of) SELECT ?,?,?,?,?,?,?,?,?,?,id FROM runs WHERE id = ? AND ended_at = ? "
      "AND state = 'succeeded' AND stages_of IS NULL "
      "AND EXISTS(SELECT 1 FROM outputs WHERE run_id = runs.id) = ?"));
  statement.bind(run.id).bind(run.pipeline).bind(run.file).bind(to_column(run.started_at));
  statement.bind(to_column(run.ended_at.value_or(run.started_at)));
  statement.bind(run_state_name(run.state)).bind(std::int64_t{run.pid}).bind(run.instance);
  statement.bind(run.request).bind(run.domain.text());
  statement.bind(run.stages_of).bind(to_column(shared.ended_at));
  return statement.bind(std::int64_t{shared.has_outputs ? 1 : 0}).run();
}

Result<void> hand_over_stages(Database& database, const std::string& run_id) {
  const std::string heir = TRY(heir_of(database, run_id));
  if (heir.empty()) return {};
  TRY(move_rows(database, run_id, heir));
  TRY(forget_shared_stages(database, heir));
  Statement others = TRY(database.prepare("UPDATE runs SET stages_of = ? WHERE stages_of = ?"));
  return others.bind(heir).bind(run_id).run();
}

void make_own(RunDetails& details) {
  for (StageRow& stage : details.stages) {
    stage.run_id = details.run.id;
    stage.ended_at = details.run.ended_at;
  }
  for (OutputRow& output : details.outputs) output.run_id = details.run.id;
  for (AttemptRow& attempt : details.attempts) attempt.run_id = details.run.id;
  for (TestReportRow& tests : details.tests) tests.run_id = details.run.id;
  for (CoverageRow& coverage : details.coverage) coverage.run_id = details.run.id;
  for (SummaryRow& summary : details.summaries) summary.run_id = details.run.id;
}

}  // namespace stagebox::store
