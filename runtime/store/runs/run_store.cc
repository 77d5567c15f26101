#include "runtime/store/runs/run_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <mutex>
#include <optional>
#include <utility>

#include "runtime/base/dir_reader.h"
#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/store/runs/coverage_queries.h"
#include "runtime/store/runs/decision_queries.h"
#include "runtime/store/runs/duration_queries.h"
#include "runtime/store/runs/retention_queries.h"
#include "runtime/store/runs/run_database.h"
#include "runtime/store/runs/run_queries.h"
#include "runtime/store/runs/run_schema.h"
#include "runtime/store/runs/shared_stages.h"
#include "runtime/store/runs/summary_queries.h"
#include "runtime/store/runs/test_report_queries.h"
#include "runtime/store/runs/workspace_queries.h"

namespace stagebox::store {
namespace {

using base::Result;

base::Error no_run(std::string_view id) {
  return base::not_found("there is no run " + base::printable(id) +
                         "; \"stagebox runs\" lists them");
}

bool is_empty_file(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0;
}

// Nothing in the file, though there are logs of runs beside it. As a fresh database it would forget
// them, and what only they need would go. One that is gone was moved away by somebody.
Result<void> check_not_emptied(const std::string& path) {
  if (!is_empty_file(path)) return {};
  const auto logs =
      base::open_path(path.substr(0, path.rfind('/') + 1) + "logs", O_RDONLY | O_DIRECTORY);
  if (!logs.ok()) return {};
  const auto names = base::list_dir_up_to(logs->get(), 1);
  if (!names.ok() || names->empty()) return {};
  return base::corrupt(
      "the database \"" + path +
      "\" is empty, but there are logs of earlier runs beside it; put a copy of it "
      "back, or move it away to start with an empty one");
}

Result<Database> open_database(const std::string& path, DatabaseUse use) {
  Database database = TRY(Database::open(path, use));
  TRY(migrate_run_schema(database));
  return database;
}

// Of the change's attempt; without one they were taken from the cache.
Result<void> upsert_reports(Database& database, const std::string& run_id,
                            const StageChange& change) {
  const std::string& stage = change.stage.stage;
  const std::int64_t attempt = change.attempt ? change.attempt->number : 0;
  if (change.tests)
    TRY(test_report_table().upsert(database, {run_id, stage, attempt, *change.tests}));
  if (change.coverage)
    TRY(coverage_table().upsert(database, {run_id, stage, attempt, *change.coverage}));
  if (change.summary)
    TRY(summary_table().upsert(database, {run_id, stage, attempt, *change.summary}));
  return {};
}

}  // namespace

RunStore::RunStore(std::shared_ptr<RunDatabase> state) : state_(std::move(state)) {}

Result<RunStore> RunStore::open(const std::string& path) {
  TRY(check_not_emptied(path));
  auto opened = open_database(path, DatabaseUse::kShared);
  // On a full disk what is there can still be read.
  if (!opened.ok() && opened.error().errno_value == ENOSPC) {
    auto alone = open_database(path, DatabaseUse::kAlone);
    if (alone.ok()) opened = std::move(alone);
  }
  Database database = TRY(std::move(opened));
  return RunStore(std::make_shared<RunDatabase>(std::move(database)));
}

DecisionStore RunStore::decisions() const { return DecisionStore(state_); }
CacheStore RunStore::caches() const { return CacheStore(state_); }
TestReportStore RunStore::test_reports() const { return TestReportStore(state_); }
CoverageStore RunStore::coverage() const { return CoverageStore(state_); }
WorkspaceStore RunStore::workspaces() const { return WorkspaceStore(state_); }

Result<std::vector<Digest>> RunStore::summary_blobs() const {
  const std::lock_guard guard(state_->mutex);
  return summary_table().all(state_->database);
}

Result<void> RunStore::check() const {
  const std::lock_guard guard(state_->mutex);
  return state_->database.check();
}

Result<void> RunStore::sync() const {
  const std::lock_guard guard(state_->mutex);
  return state_->database.sync();
}

Result<void> RunStore::begin_run(const RunRecord& run) const {
  const std::lock_guard guard(state_->mutex);
  auto transaction = TRY(Transaction::begin(state_->database));
  const bool exists = TRY(run_exists(state_->database, run.id));
  if (exists) {
    return base::invalid("there is a run " + base::printable(run.id) + " already");
  }
  TRY(insert_run(state_->database, run));
  return transaction.commit();
}

Result<void> RunStore::record_shared_run(const RunRecord& run, const SharedStages& shared) const {
  const std::lock_guard guard(state_->mutex);
  state_->database.leave_log();
  TRY(insert_shared_run(state_->database, run, shared));
  if (state_->database.changes() == 0) return no_run(run.stages_of);
  return {};
}

Result<void> RunStore::finish_run(const std::string& id, RunState state, Timestamp ended_at,
                                  base::Durable durable) const {
  const std::lock_guard guard(state_->mutex);
  std::optional<DurableCommits> commits;
  if (durable == base::Durable::kNow) commits.emplace(TRY(DurableCommits::begin(state_->database)));
  TRY(update_run(state_->database, id, state, ended_at));
  if (state_->database.changes() == 0) return no_run(id);
  return {};
}

Result<void> RunStore::finish_broken_run(const std::string& id, Timestamp now,
                                         std::string_view why) const {
  const std::lock_guard guard(state_->mutex);
  const auto durable = TRY(DurableCommits::begin(state_->database));
  auto transaction = TRY(Transaction::begin(state_->database));
  TRY(end_running_run(state_->database, id, RunState::kError, now));
  if (state_->database.changes() == 0) return {};
  TRY(end_open_stages(state_->database, id, now, why));
  return transaction.commit();
}

Result<void> RunStore::reopen_run(const RunRecord& run,
                                  const std::vector<std::string>& gone) const {
  const std::lock_guard guard(state_->mutex);
  const auto durable = TRY(DurableCommits::begin(state_->database));
  auto transaction = TRY(Transaction::begin(state_->database));
  TRY(reopen_ended_run(state_->database, run));
  if (state_->database.changes() == 0)
    return base::invalid("the run " + base::printable(run.id) +
                         " cannot be resumed: it is running, has ended well, or has been removed");
  for (const std::string& stage : gone) TRY(remove_stage(state_->database, run.id, stage));
  return transaction.commit();
}

Result<void> RunStore::record(const std::string& run_id,
                              std::span<const StageChange> changes) const {
  const std::lock_guard guard(state_->mutex);
  auto transaction = TRY(Transaction::begin(state_->database));
  const auto pipeline = TRY(pipeline_of(state_->database, run_id));
  if (!pipeline) return no_run(run_id);
  TRY(upsert_stages(state_->database, changes));
  for (const StageChange& change : changes) {
    if (change.attempt) {
      TRY(upsert_attempt(state_->database, *change.attempt));
      TRY(update_workspace(state_->database, *change.attempt, change.workspace));
    }
    if (change.decision) TRY(upsert_decision(state_->database, *change.decision));
    TRY(upsert_reports(state_->database, run_id, change));
    if (change.took)
      TRY(add_duration(state_->database, *pipeline, change.stage.stage, *change.took));
  }
  return transaction.commit();
}

Result<void> RunStore::record_stage(const StageRow& stage, const std::vector<StoredOutput>& outputs,
                                    const std::optional<AttemptRow>& attempt) const {
  const StageChange change{stage, outputs, attempt};
  return record(stage.run_id, std::span(&change, 1));
}

Result<void> RunStore::record_output(const OutputRow& row) const {
  const std::lock_guard guard(state_->mutex);
  const auto durable = TRY(DurableCommits::begin(state_->database));
  auto transaction = TRY(Transaction::begin(state_->database));
  const bool exists = TRY(stage_exists(state_->database, row.run_id, row.stage));
  if (!exists) {
    return base::not_found("there is no stage " + base::printable(row.stage) + " in the run " +
                           base::printable(row.run_id));
  }
  TRY(upsert_output(state_->database, row));
  return transaction.commit();
}

Result<bool> RunStore::remove_run(const RunRecord& run) const {
  const std::lock_guard guard(state_->mutex);
  const auto durable = TRY(DurableCommits::begin(state_->database));
  auto transaction = TRY(Transaction::begin(state_->database));
  const bool may_go = TRY(is_unneeded(state_->database, run));
  if (!may_go) return false;
  TRY(hand_over_stages(state_->database, run.id));
  TRY(delete_run(state_->database, run.id));
  TRY(transaction.commit());
  return true;
}

Result<std::vector<RunRecord>> RunStore::list_runs(std::size_t limit) const {
  const std::lock_guard guard(state_->mutex);
  return newest_runs(state_->database, limit);
}

Result<std::size_t> RunStore::count_runs() const {
  const std::lock_guard guard(state_->mutex);
  return run_count(state_->database);
}

Result<std::vector<RunRecord>> RunStore::unfinished_runs() const {
  const std::lock_guard guard(state_->mutex);
  return runs_in_state(state_->database, RunState::kRunning);
}

Result<RunRecord> RunStore::find_run(std::string_view id_or_prefix) const {
  const std::lock_guard guard(state_->mutex);
  const auto runs = TRY(id_or_prefix == "last" ? newest_runs(state_->database, 1)
                                               : runs_with_prefix(state_->database, id_or_prefix));
  if (runs.empty() && id_or_prefix == "last") return base::not_found("there are no runs yet");
  if (runs.empty() || id_or_prefix.empty()) return no_run(id_or_prefix);
  if (runs.size() > 1 && runs.front().id != id_or_prefix) {
    return base::invalid("several runs begin with " + base::printable(id_or_prefix) +
                         "; give more of the id");
  }
  return runs.front();
}

Result<RunDetails> RunStore::show_run(const std::string& id) const {
  const std::lock_guard guard(state_->mutex);
  // One transaction, so that the lists belong together.
  const auto transaction = TRY(Transaction::begin(state_->database));
  auto runs = TRY(runs_with_prefix(state_->database, id));
  if (runs.empty() || runs.front().id != id) return no_run(id);
  const std::string shared = runs.front().stages_of;
  const std::string& owner = shared.empty() ? id : shared;
  auto stages = TRY(stages_of(state_->database, owner));
  auto outputs = TRY(outputs_of(state_->database, owner));
  auto attempts = TRY(attempts_of(state_->database, owner));
  auto tests = TRY(test_report_table().of_run(state_->database, owner));
  auto coverage = TRY(coverage_table().of_run(state_->database, owner));
  auto summaries = TRY(summary_table().of_run(state_->database, owner));
  RunDetails details{std::move(runs.front()), std::move(stages), std::move(outputs),
                     std::move(attempts),     std::move(tests),  std::move(coverage),
                     std::move(summaries)};
  if (!shared.empty()) make_own(details);
  return details;
}

Result<std::map<std::string, std::chrono::milliseconds>> RunStore::stage_durations(
    const std::string& pipeline) const {
  const std::lock_guard guard(state_->mutex);
  return median_durations(state_->database, pipeline);
}

Result<std::vector<OutputRow>> RunStore::all_outputs() const {
  const std::lock_guard guard(state_->mutex);
  return every_output(state_->database);
}

Result<void> RunStore::pin_run(const std::string& id) const {
  const std::lock_guard guard(state_->mutex);
  const auto durable = TRY(DurableCommits::begin(state_->database));
  auto transaction = TRY(Transaction::begin(state_->database));
  const bool exists = TRY(run_exists(state_->database, id));
  if (!exists) return no_run(id);
  TRY(insert_pin(state_->database, id));
  return transaction.commit();
}

Result<void> RunStore::unpin_run(const std::string& id) const {
  const std::lock_guard guard(state_->mutex);
  const auto durable = TRY(DurableCommits::begin(state_->database));
  return delete_pin(state_->database, id);
}

Result<std::set<std::string>> RunStore::pinned_runs() const {
  const std::lock_guard guard(state_->mutex);
  return pins(state_->database);
}

Result<std::set<std::string>> RunStore::log_paths() const {
  const std::lock_guard guard(state_->mutex);
  return store::log_paths(state_->database);
}

Result<bool> RunStore::forget_outputs(const RunRecord& run, Timestamp looked) const {
  const std::lock_guard guard(state_->mutex);
  const auto durable = TRY(DurableCommits::begin(state_->database));
  auto transaction = TRY(Transaction::begin(state_->database));
  const bool may_go = TRY(is_unneeded(state_->database, run));
  if (!may_go) return false;
  const bool any = TRY(delete_outputs(state_->database, run.id, looked));
  TRY(transaction.commit());
  return any;
}

}  // namespace stagebox::store
