#include "runtime/store/retention_queries.h"

namespace stagebox::store {

using base::Result;

Result<void> insert_pin(Database& database, const std::string& run_id) {
  Statement statement = TRY(database.prepare("INSERT OR IGNORE INTO pins(run_id) VALUES(?)"));
  return statement.bind(run_id).run();
}

Result<void> delete_pin(Database& database, const std::string& run_id) {
  Statement statement = TRY(database.prepare("DELETE FROM pins WHERE run_id = ?"));
  return statement.bind(run_id).run();
}

Result<std::set<std::string>> pins(Database& database) {
  Statement rows = TRY(database.prepare("SELECT run_id FROM pins"));
  std::set<std::string> ids;
  for (;;) {
    const bool more = TRY(rows.step());
    if (!more) return ids;
    ids.insert(rows.text(0));
  }
}

Result<void> delete_outputs(Database& database, const std::string& run_id) {
  Statement statement = TRY(database.prepare("DELETE FROM outputs WHERE run_id = ?"));
  return statement.bind(run_id).run();
}

}  // namespace stagebox::store
