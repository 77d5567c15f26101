#include "runtime/store/runs/run_queries.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "runtime/store/runs/key_column.h"
#include "runtime/store/runs/timestamp_column.h"

namespace stagebox::store {
namespace {

using base::Result;

constexpr std::string_view kSelectRuns =
    "SELECT id, pipeline, file, started_at, ended_at, state, pid, instance, request, domain, "
    "coalesce(stages_of, '') FROM runs ";
constexpr std::string_view kSelectOutputs =
    "SELECT run_id, stage, name, path, kind, digest, size, executable, total_bytes FROM outputs ";

Result<RunRecord> run_of(const Statement& row) {
  const RunState state = TRY(parse_run_state(row.text(5)));
  const base::TrustDomain domain = TRY(base::TrustDomain::parse(row.text(9)));
  return RunRecord{.id = row.text(0),
                   .pipeline = row.text(1),
                   .file = row.text(2),
                   .started_at = time_of(row.integer(3)),
                   .ended_at = time_of(row.optional_integer(4)),
                   .state = state,
                   .pid = static_cast<pid_t>(row.integer(6)),
                   .instance = row.text(7),
                   .request = row.text(8),
                   .domain = domain,
                   .stages_of = row.text(10)};
}

Result<StageRow> stage_of(const Statement& row) {
  const StageState state = TRY(parse_stage_state(row.text(2)));
  const std::optional<Digest> key = TRY(key_of(row.text(3)));
  const std::optional<Digest> cached_key = TRY(key_of(row.text(12)));
  return StageRow{.run_id = row.text(0),
                  .stage = row.text(1),
                  .state = state,
                  .stage_key = key,
                  .reason = row.text(4),
                  .started_at = time_of(row.optional_integer(5)),
                  .ended_at = time_of(row.optional_integer(6)),
                  .exit_report = row.text(7),
                  .log_path = row.text(8),
                  .cached_from = row.text(9),
                  .attempts = row.integer(10),
                  .taken_from = row.text(11),
                  .cached_key = cached_key};
}

Result<OutputRow> output_of(const Statement& row) {
  auto path = base::RelativePath::parse(row.text(3));
  const auto digest = Digest::from_hex(row.text(5));
  if (!path.ok() || !digest.ok()) return base::corrupt("an output in the run database is damaged");
  const OutputKind kind = TRY(parse_output_kind(row.text(4)));
  return OutputRow{
      .run_id = row.text(0),
      .stage = row.text(1),
      .output = {.name = row.text(2),
                 .path = std::move(*path),
                 .kind = kind,
                 .digest = *digest,
                 .size = static_cast<std::uint64_t>(row.integer(6)),
                 .executable = row.integer(7) != 0 ? Executable::kYes : Executable::kNo,
                 .total_bytes = static_cast<std::uint64_t>(row.integer(8))}};
}

Result<AttemptRow> attempt_of(const Statement& row) {
  const StageState state = TRY(parse_stage_state(row.text(3)));
  return AttemptRow{.run_id = row.text(0),
                    .stage = row.text(1),
                    .number = row.integer(2),
                    .state = state,
                    .reason = row.text(4),
                    .started_at = time_of(row.optional_integer(5)),
                    .ended_at = time_of(row.optional_integer(6)),
                    .exit_report = row.text(7),
                    .log_path = row.text(8)};
}

/// All rows of a statement, each through `convert`.
template <typename Row>
Result<std::vector<Row>> collect_rows(Statement statement,
                                      Result<Row> (*convert)(const Statement&)) {
  std::vector<Row> rows;
  for (;;) {
    const bool more = TRY(statement.step());
    if (!more) return rows;
    Row row = TRY(convert(statement));
    rows.push_back(std::move(row));
  }
}

std::string sql(std::string_view select, std::string_view rest) {
  return std::string(select) + std::string(rest);
}

}  // namespace

Result<void> insert_run(Database& database, const RunRecord& run) {
  Statement statement =
      TRY(database.prepare("INSERT INTO runs(id, pipeline, file, started_at, ended_at, state, pid, "
                           "instance, request, domain) VALUES(?,?,?,?,?,?,?,?,?,?)"));
  statement.bind(run.id).bind(run.pipeline).bind(run.file).bind(to_column(run.started_at));
  statement.bind(to_column(run.ended_at)).bind(run_state_name(run.state));
  statement.bind(std::int64_t{run.pid}).bind(run.instance).bind(run.request);
  return statement.bind(run.domain.text()).run();
}

Result<void> reopen_ended_run(Database& database, const RunRecord& run) {
  Statement statement =
      TRY(database.prepare("UPDATE runs SET state = ?, ended_at = NULL, pid = ?, instance = ? "
                           "WHERE id = ? AND state NOT IN (?, ?)"));
  const std::string_view running = run_state_name(RunState::kRunning);
  statement.bind(running).bind(std::int64_t{run.pid}).bind(run.instance);
  statement.bind(run.id).bind(running).bind(run_state_name(RunState::kSucceeded));
  return statement.run();
}

Result<void> remove_stage(Database& database, const std::string& run, const std::string& stage) {
  for (const char* table : {"decisions", "stages"}) {
    Statement statement = TRY(
        database.prepare("DELETE FROM " + std::string(table) + " WHERE run_id = ? AND stage = ?"));
    TRY(statement.bind(run).bind(stage).run());
  }
  return {};
}

Result<void> update_run(Database& database, const std::string& id, RunState state,
                        Timestamp ended_at) {
  Statement statement =
      TRY(database.prepare("UPDATE runs SET state = ?, ended_at = ? WHERE id = ?"));
  statement.bind(run_state_name(state)).bind(to_column(ended_at)).bind(id);
  return statement.run();
}

Result<void> end_running_run(Database& database, const std::string& id, RunState state,
                             Timestamp ended_at) {
  Statement statement =
      TRY(database.prepare("UPDATE runs SET state = ?, ended_at = ? WHERE id = ? AND state = ?"));
  statement.bind(run_state_name(state)).bind(to_column(ended_at)).bind(id);
  return statement.bind(run_state_name(RunState::kRunning)).run();
}

Result<void> end_open_stages(Database& database, const std::string& run_id, Timestamp now,
                             std::string_view why) {
  for (const char* table : {"stages", "attempts"}) {
    Statement statement =
        TRY(database.prepare(std::string("UPDATE ") + table +
                             " SET state = 'error', reason = ?, ended_at = ? "
                             "WHERE run_id = ? AND state IN ('running', 'retrying')"));
    TRY(statement.bind(why).bind(to_column(now)).bind(run_id).run());
  }
  return {};
}

namespace {

// Prepared once for many rows.
constexpr std::string_view kUpsertStage =
    "INSERT INTO stages(run_id, stage, state, stage_key, reason, started_at, ended_at, "
    "exit_report, log_path, cached_from, attempts, taken_from, cached_key) "
    "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?) "
    "ON CONFLICT(run_id, stage) DO UPDATE SET state = excluded.state, "
    "stage_key = excluded.stage_key, reason = excluded.reason, "
    "started_at = excluded.started_at, ended_at = excluded.ended_at, "
    "exit_report = excluded.exit_report, log_path = excluded.log_path, "
    "cached_from = excluded.cached_from, attempts = excluded.attempts, "
    "taken_from = excluded.taken_from, cached_key = excluded.cached_key";
constexpr std::string_view kUpsertOutput =
    "INSERT OR REPLACE INTO outputs(run_id, stage, name, path, kind, digest, size, executable, "
    "total_bytes) VALUES(?,?,?,?,?,?,?,?,?)";

constexpr std::string_view kDeleteOutputs = "DELETE FROM outputs WHERE run_id = ? AND stage = ?";

Result<void> write_stage(Statement& statement, const StageRow& stage) {
  statement.bind(stage.run_id).bind(stage.stage).bind(stage_state_name(stage.state));
  statement.bind(to_column(stage.stage_key)).bind(stage.reason);
  statement.bind(to_column(stage.started_at)).bind(to_column(stage.ended_at));
  statement.bind(stage.exit_report).bind(stage.log_path).bind(stage.cached_from);
  statement.bind(stage.attempts).bind(stage.taken_from).bind(to_column(stage.cached_key));
  return statement.run();
}

Result<void> write_output(Statement& statement, const std::string& run_id, const std::string& stage,
                          const StoredOutput& output) {
  statement.bind(run_id).bind(stage).bind(output.name).bind(output.path.display());
  statement.bind(output_kind_name(output.kind)).bind(output.digest.hex());
  statement.bind(static_cast<std::int64_t>(output.size));
  statement.bind(std::int64_t{output.executable == Executable::kYes ? 1 : 0});
  statement.bind(static_cast<std::int64_t>(output.total_bytes));
  return statement.run();
}

// Whether it has begun, or was taken from the cache, after an attempt that failed and may have left
// outputs.
bool has_outputs_of_failure(const StageRow& stage) {
  if (stage.state == StageState::kRunning) return stage.attempts > 1;
  return stage.state == StageState::kCached && stage.attempts > 0;
}

}  // namespace

Result<void> upsert_stages(Database& database, std::span<const StageChange> changes) {
  Statement stage = TRY(database.prepare(kUpsertStage));
  Statement output = TRY(database.prepare(kUpsertOutput));
  Statement forget = TRY(database.prepare(kDeleteOutputs));
  for (const StageChange& change : changes) {
    if (has_outputs_of_failure(change.stage)) {
      TRY(forget.bind(change.stage.run_id).bind(change.stage.stage).run());
      forget.reset();
    }
    TRY(write_stage(stage, change.stage));
    stage.reset();
    for (const StoredOutput& row : change.outputs) {
      TRY(write_output(output, change.stage.run_id, change.stage.stage, row));
      output.reset();
    }
  }
  return {};
}

Result<void> upsert_attempt(Database& database, const AttemptRow& attempt) {
  Statement statement = TRY(database.prepare(
      "INSERT INTO attempts(run_id, stage, number, state, reason, started_at, ended_at, "
      "exit_report, log_path) VALUES(?,?,?,?,?,?,?,?,?) "
      "ON CONFLICT(run_id, stage, number) DO UPDATE SET state = excluded.state, "
      "reason = excluded.reason, started_at = excluded.started_at, "
      "ended_at = excluded.ended_at, exit_report = excluded.exit_report, "
      "log_path = excluded.log_path"));
  statement.bind(attempt.run_id).bind(attempt.stage).bind(attempt.number);
  statement.bind(stage_state_name(attempt.state)).bind(attempt.reason);
  statement.bind(to_column(attempt.started_at)).bind(to_column(attempt.ended_at));
  return statement.bind(attempt.exit_report).bind(attempt.log_path).run();
}

Result<void> upsert_output(Database& database, const OutputRow& row) {
  Statement statement = TRY(database.prepare(kUpsertOutput));
  return write_output(statement, row.run_id, row.stage, row.output);
}

Result<void> delete_run(Database& database, const std::string& id) {
  Statement statement = TRY(database.prepare("DELETE FROM runs WHERE id = ?"));
  return statement.bind(id).run();
}

Result<std::optional<std::string>> pipeline_of(Database& database, const std::string& run_id) {
  Statement statement = TRY(database.prepare(
      "SELECT CASE pipeline WHEN '' THEN file ELSE pipeline END FROM runs WHERE id = ?"));
  const bool found = TRY(statement.bind(run_id).step());
  if (!found) return std::optional<std::string>();
  return std::optional(statement.text(0));
}

Result<bool> run_exists(Database& database, const std::string& id) {
  Statement statement = TRY(database.prepare("SELECT 1 FROM runs WHERE id = ?"));
  return statement.bind(id).step();
}

Result<bool> stage_exists(Database& database, const std::string& run_id, const std::string& stage) {
  Statement statement =
      TRY(database.prepare("SELECT 1 FROM stages WHERE run_id = ? AND stage = ?"));
  return statement.bind(run_id).bind(stage).step();
}

Result<std::vector<RunRecord>> newest_runs(Database& database, std::size_t limit) {
  Statement statement =
      TRY(database.prepare(sql(kSelectRuns, "ORDER BY started_at DESC, rowid DESC LIMIT ?")));
  constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  statement.bind(static_cast<std::int64_t>(std::min(limit, kMost)));
  return collect_rows(std::move(statement), run_of);
}

Result<std::size_t> run_count(Database& database) {
  Statement statement = TRY(database.prepare("SELECT count(*) FROM runs"));
  const bool has_row = TRY(statement.step());
  return has_row ? static_cast<std::size_t>(statement.integer(0)) : 0;
}

Result<std::vector<RunRecord>> runs_in_state(Database& database, RunState state) {
  Statement statement =
      TRY(database.prepare(sql(kSelectRuns, "WHERE state = ? ORDER BY started_at, rowid")));
  statement.bind(run_state_name(state));
  return collect_rows(std::move(statement), run_of);
}

Result<std::vector<RunRecord>> runs_with_prefix(Database& database, std::string_view prefix) {
  // Not LIKE: '%' and '_' are ordinary characters here.
  Statement statement = TRY(database.prepare(
      sql(kSelectRuns, "WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id <> ?1, id LIMIT 2")));
  statement.bind(prefix);
  return collect_rows(std::move(statement), run_of);
}

Result<std::vector<StageRow>> stages_of(Database& database, const std::string& run_id) {
  Statement statement = TRY(database.prepare(
      "SELECT run_id, stage, state, stage_key, reason, started_at, ended_at, exit_report, "
      "log_path, cached_from, attempts, taken_from, cached_key FROM stages WHERE run_id = ? "
      "ORDER BY rowid"));
  statement.bind(run_id);
  return collect_rows(std::move(statement), stage_of);
}

Result<std::vector<OutputRow>> outputs_of(Database& database, const std::string& run_id) {
  Statement statement =
      TRY(database.prepare(sql(kSelectOutputs, "WHERE run_id = ? ORDER BY stage, name")));
  statement.bind(run_id);
  return collect_rows(std::move(statement), output_of);
}

Result<std::vector<AttemptRow>> attempts_of(Database& database, const std::string& run_id) {
  Statement statement = TRY(database.prepare(
      "SELECT run_id, stage, number, state, reason, started_at, ended_at, exit_report, log_path "
      "FROM attempts WHERE run_id = ? ORDER BY stage, number"));
  statement.bind(run_id);
  return collect_rows(std::move(statement), attempt_of);
}

Result<std::vector<OutputRow>> every_output(Database& database) {
  Statement statement = TRY(database.prepare(kSelectOutputs));
  return collect_rows(std::move(statement), output_of);
}

}  // namespace stagebox::store
