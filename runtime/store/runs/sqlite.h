// The SQLite library behind RAII and Result. Only this file pair touches its API. It knows no
// schema: see run_schema.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace stagebox::store {

struct StatementCache;

/// A prepared statement. Must not outlive its Database, which keeps it, prepared, for the next who
/// wants the same.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  /// Binds the next parameter, from the first on. The text is copied.
  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind(std::optional<std::int64_t> number);
  Statement& bind_blob(std::string_view bytes);

  /// True when there is a row, false at the end.
  base::Result<bool> step();
  /// For a statement that returns no rows.
  base::Result<void> run();

  /// To be bound and run once more.
  void reset();

  /// Columns of the current row, from 0.
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::string blob(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const;

 private:
  friend class Database;
  Statement(sqlite3_stmt* handle, StatementCache& cache) : handle_(handle), cache_(&cache) {}
  void give_back();

  sqlite3_stmt* handle_;
  StatementCache* cache_;
  int next_ = 1;
  int failed_bind_ = 0;  ///< the first failure's code; told by step
};

/// Who may use a database besides this connection.
enum class DatabaseUse {
  kShared,
  /// Nobody: others wait, and while another process has it open it cannot be opened. Needs no
  /// shared memory, which is a file, and so no free space on the disk.
  kAlone,
};

/// A connection. For one thread at a time.
class Database {
 public:
  /// Opens or creates the file (WAL; a crash of the machine can take the last commits, see
  /// run_database.h; foreign keys on). kCorrupt when it is no database or damaged.
  static base::Result<Database> open(const std::string& path,
                                     DatabaseUse use = DatabaseUse::kShared);
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  /// One or more statements without parameters and results.
  base::Result<void> execute(const char* sql);
  base::Result<Statement> prepare(std::string_view sql);
  /// The single number a statement like "PRAGMA user_version" gives.
  base::Result<std::int64_t> query_integer(std::string_view sql);
  /// Reads all of it. kCorrupt when its parts do not go together: rows that are lost without a
  /// trace do not show otherwise.
  base::Result<void> check();
  /// Every commit of this connection that was made before is on the disk when this returns.
  base::Result<void> sync();
  /// Rows changed by the last INSERT, UPDATE or DELETE.
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] const std::string& path() const;
  /// Closing it does not take what is in the log into the database, which waits for the disk twice:
  /// a later connection does, at the latest when the log has kLongestLog pages. Best effort.
  void leave_log();
  /// Whoever opens the database next reads the log: so many pages take less than waiting once.
  static constexpr int kLongestLog = 100;

 private:
  Database(sqlite3* handle, std::string path);
  base::Result<void> turn_to_wal();

  sqlite3* handle_;
  std::unique_ptr<StatementCache> cache_;  ///< its own place: statements point to it
};

/// Rolled back unless committed. Takes the write lock at once, so that what is read in it stays
/// true until the commit.
class Transaction {
 public:
  static base::Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  base::Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace stagebox::store
