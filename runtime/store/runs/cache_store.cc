#include "runtime/store/runs/cache_store.h"

#include <mutex>
#include <utility>

#include "runtime/store/runs/run_database.h"
#include "runtime/store/runs/timestamp_column.h"

namespace stagebox::store {
namespace {

using base::Result;

constexpr std::string_view kSelect =
    "SELECT id, domain, pipeline, path, key, root, root_size, files, bytes, run_id, stage, "
    "saved_at, used_at FROM cache_snapshots ";

Result<CacheSnapshot> snapshot_of(const Statement& row) {
  CacheSnapshot snapshot;
  snapshot.id = row.integer(0);
  snapshot.place.domain = TRY(base::TrustDomain::parse(row.text(1)));
  snapshot.place.pipeline = row.text(2);
  snapshot.place.path = row.text(3);
  snapshot.key = row.text(4);
  const auto root = Digest::from_hex(row.text(5));
  if (!root.ok()) return base::corrupt("the digest of a cache in the run database is damaged");
  snapshot.tree = {*root, static_cast<std::uint64_t>(row.integer(6)),
                   static_cast<std::uint64_t>(row.integer(7)),
                   static_cast<std::uint64_t>(row.integer(8))};
  snapshot.run_id = row.text(9);
  snapshot.stage = row.text(10);
  snapshot.saved_at = time_of(row.integer(11));
  snapshot.used_at = time_of(row.integer(12));
  return snapshot;
}

Result<std::vector<CacheSnapshot>> snapshots_of(Statement& rows) {
  std::vector<CacheSnapshot> snapshots;
  for (;;) {
    const bool more = TRY(rows.step());
    if (!more) return snapshots;
    CacheSnapshot snapshot = TRY(snapshot_of(rows));
    snapshots.push_back(std::move(snapshot));
  }
}

}  // namespace

Result<std::optional<CacheSnapshot>> CacheStore::find(const CachePlace& place,
                                                      const std::string& key) const {
  const std::lock_guard guard(state_->mutex);
  Statement row = TRY(state_->database.prepare(
      std::string(kSelect) + "WHERE domain = ? AND pipeline = ? AND path = ? AND key = ?"));
  row.bind(place.domain.text()).bind(place.pipeline).bind(place.path).bind(key);
  const bool found = TRY(row.step());
  if (!found) return std::optional<CacheSnapshot>();
  return std::optional(TRY(snapshot_of(row)));
}

Result<std::vector<CacheSnapshot>> CacheStore::find_beginning(const CachePlace& place,
                                                              std::string_view prefix,
                                                              std::size_t limit) const {
  const std::lock_guard guard(state_->mutex);
  // By bytes: substr() of a text counts characters, and LIKE has characters of its own.
  Statement rows = TRY(state_->database.prepare(
      std::string(kSelect) +
      "WHERE domain = ?1 AND pipeline = ?2 AND path = ?3 "
      "AND substr(CAST(key AS BLOB), 1, ?4) = CAST(?5 AS BLOB) ORDER BY id DESC LIMIT ?6"));
  rows.bind(place.domain.text()).bind(place.pipeline).bind(place.path);
  rows.bind(static_cast<std::int64_t>(prefix.size())).bind(prefix);
  rows.bind(static_cast<std::int64_t>(limit));
  return snapshots_of(rows);
}

Result<bool> CacheStore::add(const CacheSnapshot& snapshot) const {
  const std::lock_guard guard(state_->mutex);
  Statement row = TRY(state_->database.prepare(
      "INSERT OR IGNORE INTO cache_snapshots(domain, pipeline, path, key, root, root_size, files, "
      "bytes, run_id, stage, saved_at, used_at) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"));
  const CachePlace& place = snapshot.place;
  row.bind(place.domain.text()).bind(place.pipeline).bind(place.path).bind(snapshot.key);
  row.bind(snapshot.tree.root.hex()).bind(static_cast<std::int64_t>(snapshot.tree.size));
  row.bind(static_cast<std::int64_t>(snapshot.tree.files));
  row.bind(static_cast<std::int64_t>(snapshot.tree.bytes));
  row.bind(snapshot.run_id).bind(snapshot.stage);
  TRY(row.bind(to_column(snapshot.saved_at)).bind(to_column(snapshot.used_at)).run());
  return state_->database.changes() != 0;
}

Result<void> CacheStore::mark_used(std::int64_t id, Timestamp now) const {
  const std::lock_guard guard(state_->mutex);
  Statement row = TRY(state_->database.prepare(
      "UPDATE cache_snapshots SET used_at = max(used_at, ?) WHERE id = ?"));
  return row.bind(to_column(now)).bind(id).run();
}

Result<bool> CacheStore::remove(std::int64_t id) const {
  const std::lock_guard guard(state_->mutex);
  Statement row = TRY(state_->database.prepare("DELETE FROM cache_snapshots WHERE id = ?"));
  TRY(row.bind(id).run());
  return state_->database.changes() != 0;
}

Result<bool> CacheStore::remove_unused(const CacheSnapshot& snapshot) const {
  const std::lock_guard guard(state_->mutex);
  Statement row =
      TRY(state_->database.prepare("DELETE FROM cache_snapshots WHERE id = ? AND used_at = ?"));
  TRY(row.bind(snapshot.id).bind(to_column(snapshot.used_at)).run());
  return state_->database.changes() != 0;
}

Result<std::vector<CacheSnapshot>> CacheStore::list() const {
  const std::lock_guard guard(state_->mutex);
  Statement rows =
      TRY(state_->database.prepare(std::string(kSelect) + "ORDER BY used_at DESC, id DESC"));
  return snapshots_of(rows);
}

}  // namespace stagebox::store
