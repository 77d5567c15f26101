#include "runtime/store/runs/retention_queries.h"

#include "runtime/store/runs/timestamp_column.h"

namespace stagebox::store {

using base::Result;

namespace {

/// The only column of all rows.
Result<std::set<std::string>> texts(Database& database, const char* query) {
  Statement rows = TRY(database.prepare(query));
  std::set<std::string> found;
  for (;;) {
    const bool more = TRY(rows.step());
    if (!more) return found;
    found.insert(rows.text(0));
  }
}

}  // namespace

Result<void> insert_pin(Database& database, const std::string& run_id) {
  Statement statement = TRY(database.prepare("INSERT OR IGNORE INTO pins(run_id) VALUES(?)"));
  return statement.bind(run_id).run();
}

Result<void> delete_pin(Database& database, const std::string& run_id) {
  Statement statement = TRY(database.prepare("DELETE FROM pins WHERE run_id = ?"));
  return statement.bind(run_id).run();
}

Result<std::set<std::string>> pins(Database& database) {
  return texts(database, "SELECT run_id FROM pins");
}

Result<std::set<std::string>> log_paths(Database& database) {
  return texts(database, "SELECT DISTINCT log_path FROM stages");
}

Result<bool> is_unneeded(Database& database, const RunRecord& run) {
  // Of one that has not ended the time is NULL, which equals nothing.
  Statement statement =
      TRY(database.prepare("SELECT 1 FROM runs WHERE id = ? AND ended_at = ? "
                           "AND NOT EXISTS(SELECT 1 FROM pins WHERE run_id = runs.id)"));
  return statement.bind(run.id).bind(to_column(run.ended_at)).step();
}

Result<bool> delete_outputs(Database& database, const std::string& run_id, Timestamp looked) {
  // Whoever shares them is pinned, or came since somebody looked.
  Statement statement =
      TRY(database.prepare("DELETE FROM outputs WHERE run_id = ?1 AND NOT EXISTS("
                           "SELECT 1 FROM runs WHERE runs.stages_of = ?1 AND "
                           "(coalesce(runs.ended_at, runs.started_at) >= ?2 "
                           "OR EXISTS(SELECT 1 FROM pins WHERE pins.run_id = runs.id)))"));
  TRY(statement.bind(run_id).bind(to_column(looked)).run());
  return database.changes() != 0;
}

}  // namespace stagebox::store
