// The SQL of the run store: rows to values and back. Internal to it; RunStore adds the mutex, the
// transactions and the rules.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/runs/sqlite.h"

namespace stagebox::store {

base::Result<void> insert_run(Database& database, const RunRecord& run);
base::Result<void> update_run(Database& database, const std::string& id, RunState state,
                              Timestamp ended_at);
/// Changes nothing when the run is not there or has ended.
base::Result<void> end_running_run(Database& database, const std::string& id, RunState state,
                                   Timestamp ended_at);
/// What is going on in a run by its record: stages and attempts become kError, because of `why`.
base::Result<void> end_open_stages(Database& database, const std::string& run_id, Timestamp now,
                                   std::string_view why);
/// Changes nothing when the run is not there or running.
base::Result<void> reopen_ended_run(Database& database, const RunRecord& run);
/// With all that is recorded of it in this run.
base::Result<void> remove_stage(Database& database, const std::string& run,
                                const std::string& stage);
/// With their outputs, without their attempts and durations.
base::Result<void> upsert_stages(Database& database, std::span<const StageChange> changes);
base::Result<void> upsert_attempt(Database& database, const AttemptRow& attempt);
base::Result<void> upsert_output(Database& database, const OutputRow& row);
base::Result<void> delete_run(Database& database, const std::string& id);

/// What the durations of its stages are kept under; none when there is no such run.
base::Result<std::optional<std::string>> pipeline_of(Database& database, const std::string& run_id);
base::Result<bool> run_exists(Database& database, const std::string& id);
base::Result<bool> stage_exists(Database& database, const std::string& run_id,
                                const std::string& stage);
base::Result<std::vector<RunRecord>> newest_runs(Database& database, std::size_t limit);
base::Result<std::size_t> run_count(Database& database);
base::Result<std::vector<RunRecord>> runs_in_state(Database& database, RunState state);
/// At most two: enough to tell whether a prefix is unique. The run with the very id stands first.
base::Result<std::vector<RunRecord>> runs_with_prefix(Database& database, std::string_view prefix);
base::Result<std::vector<StageRow>> stages_of(Database& database, const std::string& run_id);
base::Result<std::vector<OutputRow>> outputs_of(Database& database, const std::string& run_id);
base::Result<std::vector<AttemptRow>> attempts_of(Database& database, const std::string& run_id);
base::Result<std::vector<OutputRow>> every_output(Database& database);

}  // namespace stagebox::store
