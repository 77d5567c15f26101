#include "runtime/store/runs/run_schema.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace stagebox::store {
namespace {

using base::Result;

/// PRAGMA application_id: "SBOX". Tells our database from another program's.
constexpr std::int64_t kApplicationId = 0x53424F58;

constexpr const char* kVersion1 = R"sql(
CREATE TABLE runs(
  id TEXT PRIMARY KEY,
  pipeline TEXT NOT NULL,
  file TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  state TEXT NOT NULL,
  pid INTEGER NOT NULL,
  instance TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_start ON runs(started_at);
CREATE TABLE stages(
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  stage TEXT NOT NULL,
  state TEXT NOT NULL,
  stage_key TEXT NOT NULL,
  reason TEXT NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  exit_report TEXT NOT NULL,
  log_path TEXT NOT NULL,
  cached_from TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  PRIMARY KEY(run_id, stage)
) STRICT;
CREATE TABLE outputs(
  run_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  kind TEXT NOT NULL,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  executable INTEGER NOT NULL,
  total_bytes INTEGER NOT NULL,
  PRIMARY KEY(run_id, stage, name),
  FOREIGN KEY(run_id, stage) REFERENCES stages(run_id, stage) ON DELETE CASCADE
) STRICT;
)sql";

constexpr const char* kVersion2 = R"sql(
ALTER TABLE runs ADD COLUMN request TEXT NOT NULL DEFAULT '';
)sql";

constexpr const char* kVersion3 = R"sql(
CREATE TABLE attempts(
  run_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  number INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  exit_report TEXT NOT NULL,
  log_path TEXT NOT NULL,
  PRIMARY KEY(run_id, stage, number),
  FOREIGN KEY(run_id, stage) REFERENCES stages(run_id, stage) ON DELETE CASCADE
) STRICT;
)sql";

constexpr const char* kVersion4 = R"sql(
CREATE TABLE stage_durations(
  pipeline TEXT NOT NULL,
  stage TEXT NOT NULL,
  recent TEXT NOT NULL,
  PRIMARY KEY(pipeline, stage)
) STRICT, WITHOUT ROWID;
)sql";

/// For `explain` (decision_store.h).
constexpr const char* kDecisions = R"sql(
CREATE TABLE decisions(
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  stage TEXT NOT NULL,
  stage_key TEXT NOT NULL,
  verdict TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY(run_id, stage)
) STRICT, WITHOUT ROWID;
CREATE TABLE key_messages(
  stage_key TEXT PRIMARY KEY,
  messages BLOB NOT NULL
) STRICT;
CREATE TABLE pins(
  run_id TEXT PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
)sql";

constexpr const char* kTrustDomains = R"sql(
ALTER TABLE runs ADD COLUMN domain TEXT NOT NULL DEFAULT 'trusted';
)sql";

/// A run in which nothing ran shows the stages of an earlier one (RunRecord::stages_of).
constexpr const char* kSharedStages = R"sql(
ALTER TABLE runs ADD COLUMN stages_of TEXT;
CREATE INDEX runs_by_stages_of ON runs(stages_of) WHERE stages_of IS NOT NULL;
)sql";

/// See cache_store.h. Ids are never given twice: a newer snapshot has a greater one.
constexpr const char* kCacheSnapshots = R"sql(
CREATE TABLE cache_snapshots(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  domain TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  path TEXT NOT NULL,
  key TEXT NOT NULL,
  root TEXT NOT NULL,
  root_size INTEGER NOT NULL,
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  saved_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  UNIQUE(domain, pipeline, path, key)
) STRICT;
)sql";

/// For `tests` (test_report_store.h).
constexpr const char* kTestReports = R"sql(
CREATE TABLE test_reports(
  run_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  PRIMARY KEY(run_id, stage, attempt),
  FOREIGN KEY(run_id, stage) REFERENCES stages(run_id, stage) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
)sql";

/// For `shell` (workspace_store.h, decision_store.h).
constexpr const char* kKeptWorkspaces = R"sql(
CREATE TABLE kept_workspaces(
  run_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  kept_at INTEGER NOT NULL,
  missing TEXT NOT NULL,
  PRIMARY KEY(run_id, stage),
  FOREIGN KEY(run_id, stage) REFERENCES stages(run_id, stage) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE kept_trees(
  run_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  path TEXT NOT NULL,
  root TEXT NOT NULL,
  root_size INTEGER NOT NULL,
  PRIMARY KEY(run_id, stage, path),
  FOREIGN KEY(run_id, stage) REFERENCES kept_workspaces(run_id, stage) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
ALTER TABLE decisions ADD COLUMN limits TEXT NOT NULL DEFAULT '';
)sql";

/// For `tests --coverage` (coverage_store.h).
constexpr const char* kCoverageReports = R"sql(
CREATE TABLE coverage(
  run_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  lines INTEGER NOT NULL,
  lines_covered INTEGER NOT NULL,
  branches INTEGER NOT NULL,
  branches_covered INTEGER NOT NULL,
  PRIMARY KEY(run_id, stage, attempt),
  FOREIGN KEY(run_id, stage) REFERENCES stages(run_id, stage) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
)sql";

/// StageRow::taken_from.
constexpr const char* kTakenFrom = R"sql(
ALTER TABLE stages ADD COLUMN taken_from TEXT NOT NULL DEFAULT '';
)sql";

/// For `explain`, whose messages have the digests of images only.
constexpr const char* kImageNames = R"sql(
ALTER TABLE decisions ADD COLUMN image TEXT NOT NULL DEFAULT '';
)sql";

/// StageState::kAllowedFailure, a word that an older Stagebox would take for damage.
constexpr const char* kAllowedFailures = "";

/// StageRow::cached_key.
constexpr const char* kCachedKeys = R"sql(
ALTER TABLE stages ADD COLUMN cached_key TEXT NOT NULL DEFAULT '';
)sql";

/// Decision::finished_key.
constexpr const char* kFinishedKeys = R"sql(
ALTER TABLE decisions ADD COLUMN finished_key TEXT NOT NULL DEFAULT '';
)sql";

/// For `show --summary` (summary_queries.h).
constexpr const char* kSummaries = R"sql(
CREATE TABLE summaries(
  run_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  lines INTEGER NOT NULL,
  PRIMARY KEY(run_id, stage, attempt),
  FOREIGN KEY(run_id, stage) REFERENCES stages(run_id, stage) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
)sql";

/// Step i leads from version i to i + 1.
constexpr std::array kSteps{
    kVersion1,     kVersion2,        kVersion3,    kVersion4,       kDecisions,       kTrustDomains,
    kSharedStages, kCacheSnapshots,  kTestReports, kKeptWorkspaces, kCoverageReports, kTakenFrom,
    kImageNames,   kAllowedFailures, kCachedKeys,  kFinishedKeys,   kSummaries};

Result<void> check_owner(Database& database, std::int64_t version) {
  const std::int64_t id = TRY(database.query_integer("PRAGMA application_id"));
  if (id == kApplicationId) return {};
  const std::int64_t tables = TRY(database.query_integer("SELECT count(*) FROM sqlite_schema"));
  if (id == 0 && version == 0 && tables == 0) return {};  // fresh
  return base::invalid("\"" + database.path() +
                       "\" is a database of another program; move it away");
}

}  // namespace

int current_run_schema() { return static_cast<int>(kSteps.size()); }

Result<void> migrate_run_schema(Database& database) {
  // Read in the transaction: another process may be doing the same.
  auto transaction = TRY(Transaction::begin(database));
  const std::int64_t version = TRY(database.query_integer("PRAGMA user_version"));
  TRY(check_owner(database, version));
  if (version > current_run_schema()) {
    return base::unsupported("the run database \"" + database.path() + "\" has version " +
                             std::to_string(version) + ", but this Stagebox knows only up to " +
                             std::to_string(current_run_schema()) +
                             "; use the newer Stagebox that wrote it");
  }
  if (version < 0) return base::corrupt("\"" + database.path() + "\" has a negative version");
  if (version == current_run_schema()) return {};
  for (auto step = static_cast<std::size_t>(version); step < kSteps.size(); ++step) {
    TRY(database.execute(kSteps[step]));
  }
  const std::string stamp = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                            "; PRAGMA user_version=" + std::to_string(current_run_schema());
  TRY(database.execute(stamp.c_str()));
  return transaction.commit();
}

}  // namespace stagebox::store
