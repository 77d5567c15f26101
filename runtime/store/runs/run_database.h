// RunDatabase: the connection to the run database, which RunStore and its sisters share, and how
// long a commit waits for the disk. Internal to the store.
#pragma once

#include <mutex>

#include "runtime/base/result.h"
#include "runtime/store/runs/sqlite.h"

namespace stagebox::store {

struct RunDatabase {
  explicit RunDatabase(Database opened) : database(std::move(opened)) {}
  std::mutex mutex;  ///< Held for each use.
  Database database;
};

/// While it lives each commit is on the disk when it returns, and with it all commits before. Else
/// a commit survives the death of this process, but not a crash of the machine; the database is
/// whole then and lacks the last commits. Not inside a transaction.
class DurableCommits {
 public:
  static base::Result<DurableCommits> begin(Database& database) {
    TRY(database.execute("PRAGMA synchronous=FULL"));
    return DurableCommits(database);
  }
  DurableCommits(DurableCommits&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)) {}
  DurableCommits& operator=(DurableCommits&&) = delete;
  DurableCommits(const DurableCommits&) = delete;
  DurableCommits& operator=(const DurableCommits&) = delete;
  ~DurableCommits() {
    // If it fails, commits only wait for longer than they need.
    if (database_ != nullptr) (void)database_->execute("PRAGMA synchronous=NORMAL");
  }

 private:
  explicit DurableCommits(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace stagebox::store
