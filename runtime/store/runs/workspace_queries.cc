#include "runtime/store/runs/workspace_queries.h"

#include <cstdint>
#include <utility>

#include "runtime/store/runs/timestamp_column.h"

namespace stagebox::store {
namespace {

using base::Result;

base::Error damaged() { return base::corrupt("a kept workspace in the run database is damaged"); }

Result<std::vector<KeptTree>> trees_of(Database& database, const std::string& run_id,
                                       const std::string& stage) {
  Statement rows =
      TRY(database.prepare("SELECT path, root, root_size FROM kept_trees "
                           "WHERE run_id = ? AND stage = ? ORDER BY path"));
  rows.bind(run_id).bind(stage);
  std::vector<KeptTree> trees;
  for (;;) {
    const bool more = TRY(rows.step());
    if (!more) return trees;
    const auto root = Digest::from_hex(rows.text(1));
    if (!root.ok()) return damaged();
    trees.push_back({rows.text(0), *root, static_cast<std::uint64_t>(rows.integer(2))});
  }
}

Result<void> insert_tree(Database& database, const AttemptRow& attempt, const KeptTree& tree) {
  Statement row = TRY(database.prepare(
      "INSERT INTO kept_trees(run_id, stage, path, root, root_size) VALUES(?,?,?,?,?)"));
  row.bind(attempt.run_id).bind(attempt.stage).bind(tree.path).bind(tree.root.hex());
  return row.bind(static_cast<std::int64_t>(tree.size)).run();
}

}  // namespace

Result<void> update_workspace(Database& database, const AttemptRow& attempt,
                              const std::optional<KeptWorkspace>& workspace) {
  if (!workspace && attempt.state != StageState::kSucceeded) return {};
  TRY(delete_workspace(database, attempt.run_id, attempt.stage));
  if (!workspace) return {};
  Statement row = TRY(database.prepare(
      "INSERT INTO kept_workspaces(run_id, stage, kept_at, missing) VALUES(?,?,?,?)"));
  const Timestamp kept_at = attempt.ended_at.value_or(timestamp_now());
  row.bind(attempt.run_id).bind(attempt.stage).bind(to_column(kept_at));
  TRY(row.bind(workspace->missing).run());
  for (const KeptTree& tree : workspace->trees) TRY(insert_tree(database, attempt, tree));
  return {};
}

Result<std::optional<KeptWorkspace>> workspace_of(Database& database, const std::string& run_id,
                                                  const std::string& stage) {
  Statement row =
      TRY(database.prepare("SELECT missing FROM kept_workspaces WHERE run_id = ? AND stage = ?"));
  const bool found = TRY(row.bind(run_id).bind(stage).step());
  if (!found) return std::optional<KeptWorkspace>();
  auto trees = TRY(trees_of(database, run_id, stage));
  return std::optional(KeptWorkspace{std::move(trees), row.text(0)});
}

Result<std::vector<WorkspaceRow>> every_workspace(Database& database) {
  Statement rows = TRY(database.prepare(
      "SELECT kept.run_id, kept.stage, stages.stage_key, kept.kept_at, kept.missing "
      "FROM kept_workspaces AS kept JOIN stages USING(run_id, stage)"));
  std::vector<WorkspaceRow> found;
  for (;;) {
    const bool more = TRY(rows.step());
    if (!more) return found;
    WorkspaceRow kept;
    kept.run_id = rows.text(0);
    kept.stage = rows.text(1);
    const std::string key = rows.text(2);
    if (!key.empty()) {
      const auto digest = Digest::from_hex(key);
      if (!digest.ok()) return damaged();
      kept.stage_key = *digest;
    }
    kept.kept_at = time_of(rows.integer(3));
    kept.workspace.missing = rows.text(4);
    kept.workspace.trees = TRY(trees_of(database, kept.run_id, kept.stage));
    found.push_back(std::move(kept));
  }
}

Result<void> delete_workspace(Database& database, const std::string& run_id,
                              const std::string& stage) {
  Statement row =
      TRY(database.prepare("DELETE FROM kept_workspaces WHERE run_id = ? AND stage = ?"));
  return row.bind(run_id).bind(stage).run();
}

Result<bool> delete_unneeded_workspace(Database& database, const WorkspaceRow& kept) {
  Statement row = TRY(database.prepare(
      "DELETE FROM kept_workspaces WHERE run_id = ?1 AND stage = ?2 AND kept_at = ?3 "
      "AND NOT EXISTS(SELECT 1 FROM pins WHERE run_id = ?1)"));
  TRY(row.bind(kept.run_id).bind(kept.stage).bind(to_column(kept.kept_at)).run());
  return database.changes() != 0;
}

}  // namespace stagebox::store
