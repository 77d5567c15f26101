// RunStore: the history of runs, in one SQLite database ("runs.db" in the state directory). It
// records and tells what happened; it decides nothing and never looks at the content store.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/base/result.h"
#include "runtime/store/runs/cache_store.h"
#include "runtime/store/runs/coverage_store.h"
#include "runtime/store/runs/decision_store.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/runs/test_report_store.h"
#include "runtime/store/runs/workspace_store.h"

namespace stagebox::store {

struct RunDatabase;

/// May be used from several threads (an internal mutex) and processes (SQLite's locks). What a
/// function recorded survives the death of this process, and a crash of the machine where nothing
/// else is said. All functions: kCorrupt for a damaged database, kSystem when another process keeps
/// it locked.
class RunStore {
 public:
  /// Opens or creates the database. kUnsupported when a newer Stagebox wrote it; kCorrupt also when
  /// the file lost all it had.
  static base::Result<RunStore> open(const std::string& path);

  /// In the same database, by the same connection.
  [[nodiscard]] DecisionStore decisions() const;
  [[nodiscard]] CacheStore caches() const;
  [[nodiscard]] TestReportStore test_reports() const;
  [[nodiscard]] CoverageStore coverage() const;
  [[nodiscard]] WorkspaceStore workspaces() const;

  /// For gc: every blob with a summary that a run on record refers to.
  [[nodiscard]] base::Result<std::vector<Digest>> summary_blobs() const;

  /// Reads all of it, for who is about to remove what it does not refer to. kCorrupt when rows may
  /// be missing.
  base::Result<void> check() const;

  /// What begin_run() and record() recorded survives a crash of the machine after this, or after a
  /// finish_run(). Before that a crash can take it, the last first: a stage that ended then runs
  /// again when the run is resumed, and of a run that had just begun nothing is known.
  base::Result<void> sync() const;

  /// kInvalid when there is such a run already.
  base::Result<void> begin_run(const RunRecord& run) const;
  /// Records a run that did nothing and has ended: its stages and outputs are those of the run
  /// `run.stages_of`. kNotFound when that one is not any more as `shared` says: removed, or
  /// without its outputs. A crash of the machine may take it, as a run that had just begun.
  base::Result<void> record_shared_run(const RunRecord& run, const SharedStages& shared) const;
  /// kNotFound when there is no such run. kLater is for one that did nothing: then nothing is lost
  /// with it.
  base::Result<void> finish_run(const std::string& id, RunState state, Timestamp ended_at,
                                base::Durable durable = base::Durable::kNow) const;
  /// The same for a run whose end nobody recorded, because of `why`: kError, also for what is going
  /// on in it by its record. One that has ended stays as it is.
  base::Result<void> finish_broken_run(const std::string& id, Timestamp now,
                                       std::string_view why) const;
  /// A run that has not ended well goes on, as `pid` and `instance` of `run`. kInvalid when there
  /// is none, or it is running: of two that resume it, one does. What is recorded of the stages
  /// `gone`, which its pipeline has no more, is forgotten, but for the files of their logs.
  base::Result<void> reopen_run(const RunRecord& run,
                                const std::vector<std::string>& gone = {}) const;
  /// Adds or replaces stages of a run, with their outputs and attempts, all in one transaction.
  /// kNotFound when there is no such run.
  base::Result<void> record(const std::string& run_id, std::span<const StageChange> changes) const;
  /// The same for one stage.
  base::Result<void> record_stage(const StageRow& stage,
                                  const std::vector<StoredOutput>& outputs = {},
                                  const std::optional<AttemptRow>& attempt = std::nullopt) const;
  /// Adds or replaces one output. kNotFound when there is no such stage.
  base::Result<void> record_output(const OutputRow& row) const;
  /// With all its stages and outputs, unless it shares them. Only a run that ended when `run` says,
  /// and is not pinned: it may have been resumed or pinned since it was listed. Whether it went.
  base::Result<bool> remove_run(const RunRecord& run) const;

  /// The newest `limit` runs, newest first.
  base::Result<std::vector<RunRecord>> list_runs(std::size_t limit) const;
  /// How many there are.
  base::Result<std::size_t> count_runs() const;
  /// Those that never ended, oldest first.
  base::Result<std::vector<RunRecord>> unfinished_runs() const;
  /// A run by its id or the unique beginning of it; "last" is the newest one. kNotFound, or
  /// kInvalid when several begin so.
  base::Result<RunRecord> find_run(std::string_view id_or_prefix) const;
  /// kNotFound when there is no run with this very id.
  base::Result<RunDetails> show_run(const std::string& id) const;
  /// By stage, the median of how long it took the last times that it ran and succeeded, in runs of
  /// the pipeline with this name, or of the file with this path where pipelines have no name.
  base::Result<std::map<std::string, std::chrono::milliseconds>> stage_durations(
      const std::string& pipeline) const;
  /// Every output of every run, for gc to mark from; what runs share, of its owner alone.
  base::Result<std::vector<OutputRow>> all_outputs() const;

  /// A pinned run is kept with its outputs until it is unpinned. kNotFound when there is no such
  /// run.
  base::Result<void> pin_run(const std::string& id) const;
  /// What is not pinned stays so.
  base::Result<void> unpin_run(const std::string& id) const;
  base::Result<std::set<std::string>> pinned_runs() const;
  /// The logs that the stages on record have, some of them written by other runs.
  base::Result<std::set<std::string>> log_paths() const;
  /// The run stays on record without its outputs; so do those that share them. Only as
  /// remove_run(), and when none of those is pinned. Whether there were any.
  base::Result<bool> forget_outputs(const RunRecord& run,
                                    Timestamp looked = Timestamp::max()) const;

 private:
  explicit RunStore(std::shared_ptr<RunDatabase> state);

  std::shared_ptr<RunDatabase> state_;
};

}  // namespace stagebox::store
