#include "runtime/store/runs/retention_queries.h"

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

Result<void> delete_outputs(Database& database, const std::string& run_id) {
  Statement statement = TRY(database.prepare("DELETE FROM outputs WHERE run_id = ?"));
  return statement.bind(run_id).run();
}

}  // namespace stagebox::store
