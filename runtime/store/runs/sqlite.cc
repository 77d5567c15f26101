#include "runtime/store/runs/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <unordered_map>

namespace stagebox::store {
namespace {

using base::Error;
using base::Result;

/// How long one process waits for another's transaction: they last milliseconds.
constexpr int kBusyMilliseconds = 10'000;

/// Whether less than `least` bytes are free.
bool has_less(const struct statvfs& status, std::uint64_t least) {
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize < least;
}

/// Less is free than SQLite wants for anything.
bool is_full(const std::string& path) {
  constexpr std::uint64_t kLeast = 64U << 10U;
  struct statvfs status{};
  return ::statvfs(path.c_str(), &status) == 0 && has_less(status, kLeast);
}

/// SQLite makes the file that processes share longer by a byte in each 4096. Where blocks are
/// smaller that leaves holes, and on a full disk the process that writes to one is killed (SIGBUS).
bool could_share_holes(const std::string& path) {
  constexpr std::uint64_t kPage = 4096;
  constexpr std::uint64_t kEnough = 1U << 20U;
  struct statvfs status{};
  return ::statvfs(path.c_str(), &status) == 0 && status.f_frsize < kPage &&
         has_less(status, kEnough);
}

bool is_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Error sqlite_error(int code, std::string_view attempted, const std::string& path,
                   std::string_view detail) {
  const std::string what = std::string(attempted) + " in the database \"" + path + "\"";
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return base::corrupt(what + ": it is damaged or not a database (" + std::string(detail) +
                           "); move it away to start with an empty one");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return base::system_error(what + ": another process kept it locked for 10 s", EAGAIN);
    case SQLITE_FULL:
      return base::system_error(what, ENOSPC);
    case SQLITE_IOERR:
      // Where its shared memory does not fit either, SQLite does not say why.
      if (is_full(path)) return base::system_error(what, ENOSPC);
      return {base::ErrorKind::kSystem, 0, what + ": " + std::string(detail)};
    case SQLITE_READONLY:
      return base::system_error(what + ": it cannot be written", EROFS);
    case SQLITE_CANTOPEN:
      if (is_directory(path))
        return base::corrupt(what + ": it is a directory; move it away to start with an empty one");
      [[fallthrough]];
    default:
      return {base::ErrorKind::kSystem, 0, what + ": " + std::string(detail)};
  }
}

}  // namespace

/// The statements of a database that nobody uses, by their texts. There are as many as places in
/// this program that make one.
struct StatementCache {
  explicit StatementCache(std::string a_path) : path(std::move(a_path)) {}
  StatementCache(const StatementCache&) = delete;
  StatementCache& operator=(const StatementCache&) = delete;
  ~StatementCache() {
    for (const auto& [sql, handle] : idle) sqlite3_finalize(handle);
  }

  std::string path;  ///< Of the database, for messages.
  std::unordered_map<std::string, sqlite3_stmt*> idle;
};

Statement::Statement(Statement&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      cache_(other.cache_),
      next_(other.next_),
      failed_bind_(other.failed_bind_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(cache_, other.cache_);
  std::swap(next_, other.next_);
  std::swap(failed_bind_, other.failed_bind_);
  return *this;
}

Statement::~Statement() {
  if (handle_ != nullptr) give_back();
}

void Statement::give_back() {
  (void)sqlite3_reset(handle_);
  (void)sqlite3_clear_bindings(handle_);
  // Two may have been in use at a time.
  if (!cache_->idle.emplace(sqlite3_sql(handle_), handle_).second) sqlite3_finalize(handle_);
}

Statement& Statement::bind(std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  const int code =
      sqlite3_bind_text64(handle_, next_++, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK && failed_bind_ == 0) failed_bind_ = code;
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  const int code = sqlite3_bind_int64(handle_, next_++, number);
  if (code != SQLITE_OK && failed_bind_ == 0) failed_bind_ = code;
  return *this;
}

Statement& Statement::bind(std::optional<std::int64_t> number) {
  if (number) return bind(*number);
  const int code = sqlite3_bind_null(handle_, next_++);
  if (code != SQLITE_OK && failed_bind_ == 0) failed_bind_ = code;
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  const int code =
      sqlite3_bind_blob64(handle_, next_++, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  if (code != SQLITE_OK && failed_bind_ == 0) failed_bind_ = code;
  return *this;
}

Result<bool> Statement::step() {
  const int code = failed_bind_ != 0 ? failed_bind_ : sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  const char* detail =
      failed_bind_ != 0 ? sqlite3_errstr(code) : sqlite3_errmsg(sqlite3_db_handle(handle_));
  return sqlite_error(code, "run a statement", cache_->path, detail);
}

Result<void> Statement::run() {
  TRY(step());
  return {};
}

void Statement::reset() {
  // Repeats the last step's failure, which has been told.
  (void)sqlite3_reset(handle_);
  next_ = 1;
  failed_bind_ = 0;
}

std::string Statement::text(int column) const {
  const auto* data = sqlite3_column_text(handle_, column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::string Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(handle_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (sqlite3_column_type(handle_, column) == SQLITE_NULL) return std::nullopt;
  return integer(column);
}

Database::Database(sqlite3* handle, std::string path)
    : handle_(handle), cache_(std::make_unique<StatementCache>(std::move(path))) {}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), cache_(std::move(other.cache_)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(cache_, other.cache_);
  return *this;
}

Database::~Database() {
  cache_.reset();
  sqlite3_close(handle_);
}

const std::string& Database::path() const { return cache_->path; }

Result<Database> Database::open(const std::string& path, DatabaseUse use) {
  sqlite3* handle = nullptr;
  // The caller serialises, so SQLite need not.
  constexpr int kFlags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, kFlags, nullptr);
  Database database(handle, path);  // to be closed even after a failure
  if (code != SQLITE_OK) {
    return sqlite_error(code, "open", path, handle != nullptr ? sqlite3_errmsg(handle) : "memory");
  }
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  if (use == DatabaseUse::kAlone) {
    TRY(database.execute("PRAGMA locking_mode=EXCLUSIVE"));
  } else if (could_share_holes(path)) {
    return sqlite_error(SQLITE_FULL, "share memory with other processes", path, "");
  }
  TRY(database.turn_to_wal());
  TRY(
      database.execute("PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
                       "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON"));
  return database;
}

// A new database is read before it is changed, and whoever has read does not wait in SQLite for the
// lock to write (sqlite3_busy_handler): of several who begin at once all but one would fail.
Result<void> Database::turn_to_wal() {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::milliseconds(kBusyMilliseconds);
  for (;;) {
    auto turned = execute("PRAGMA journal_mode=WAL");
    const bool busy = !turned.ok() && turned.error().errno_value == EAGAIN;
    if (!busy || Clock::now() >= deadline) return turned;
    sqlite3_sleep(2);  // milliseconds
  }
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return sqlite_error(code, "run a statement", path(), sqlite3_errmsg(handle_));
}

Result<Statement> Database::prepare(std::string_view sql) {
  if (auto known = cache_->idle.extract(std::string(sql)))
    return Statement(known.mapped(), *cache_);
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code == SQLITE_OK) return Statement(statement, *cache_);
  return sqlite_error(code, "prepare a statement", path(), sqlite3_errmsg(handle_));
}

Result<std::int64_t> Database::query_integer(std::string_view sql) {
  Statement statement = TRY(prepare(sql));
  const bool row = TRY(statement.step());
  if (!row) return base::corrupt("no result of \"" + std::string(sql) + "\"");
  return statement.integer(0);
}

Result<void> Database::check() {
  // One finding is enough.
  Statement statement = TRY(prepare("PRAGMA integrity_check(1)"));
  const bool row = TRY(statement.step());
  std::string found = row ? statement.text(0) : "";
  if (found == "ok") return {};
  std::ranges::replace(found, '\n', ' ');
  return sqlite_error(SQLITE_CORRUPT, "check", path(), found);
}

void Database::leave_log() {
  (void)sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  (void)sqlite3_wal_autocheckpoint(handle_, kLongestLog);
}

// By the log itself: a commit would do it as well, but SQLite makes none of a change after which
// everything is as it was.
Result<void> Database::sync() {
  sqlite3_file* log = nullptr;
  int code =
      sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
  if (code == SQLITE_OK && log != nullptr && log->pMethods != nullptr)
    code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (code == SQLITE_OK) return {};
  return sqlite_error(code, "sync", path(), sqlite3_errstr(code));
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

Result<Transaction> Transaction::begin(Database& database) {
  Statement begin = TRY(database.prepare("BEGIN IMMEDIATE"));
  TRY(begin.run());
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  Statement commit = TRY(database_->prepare("COMMIT"));
  TRY(commit.run());
  database_ = nullptr;
  return {};
}

}  // namespace stagebox::store
