#include "runtime/store/runs/execution.h"

#include <algorithm>

namespace stagebox::store {
namespace {

using base::Result;

const StageRow* find_stage(const RunDetails& details, const std::string& name) {
  const auto found = std::ranges::find(details.stages, name, &StageRow::stage);
  return found == details.stages.end() ? nullptr : &*found;
}

// No two attempts have the same log, and what is taken keeps that of the one that made it.
std::optional<Execution> find_attempt(const RunDetails& details, const std::string& log_path) {
  if (log_path.empty()) return std::nullopt;
  const auto made = std::ranges::find_if(details.attempts, [&log_path](const AttemptRow& attempt) {
    return attempt.state == StageState::kSucceeded && attempt.log_path == log_path;
  });
  if (made == details.attempts.end()) return std::nullopt;
  const StageRow* stage = find_stage(details, made->stage);
  return Execution{details.run.id,
                   made->stage,
                   made->started_at,
                   made->ended_at,
                   stage != nullptr ? stage->stage_key : std::nullopt,
                   made->exit_report};
}

// Of a Stagebox that kept no attempts.
Execution as_row(const std::string& run_id, const StageRow& row) {
  return {run_id, row.stage, row.started_at, row.ended_at, row.stage_key, row.exit_report};
}

}  // namespace

Result<Execution> execution_of(const RunStore& runs, const RunDetails& details,
                               const StageRow& row) {
  if (auto here = find_attempt(details, row.log_path)) return std::move(*here);
  if (row.cached_from.empty()) return as_row(details.run.id, row);
  Execution unknown;
  unknown.run_id = row.cached_from;
  const auto source = runs.show_run(row.cached_from);
  if (!source.ok() && source.error().kind != base::ErrorKind::kNotFound) return source.error();
  if (!source.ok()) return unknown;
  if (auto there = find_attempt(*source, row.log_path)) return std::move(*there);
  const StageRow* same = find_stage(*source, row.stage);
  if (same == nullptr || !same->cached_from.empty()) return unknown;
  return as_row(row.cached_from, *same);
}

}  // namespace stagebox::store
