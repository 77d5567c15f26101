#include "runtime/run/run_logs.h"

#include <cstdint>
#include <set>

#include "runtime/base/printable.h"

namespace stagebox::run {

using base::Result;

namespace {

Result<std::string> log_of_attempt(const store::RunDetails& details, const std::string& stage,
                                   std::size_t attempt) {
  for (const store::AttemptRow& row : details.attempts) {
    if (row.stage == stage && row.number == static_cast<std::int64_t>(attempt)) return row.log_path;
  }
  return base::not_found("the stage " + base::printable(stage) + " has no attempt " +
                         std::to_string(attempt) + "; `stagebox show " + details.run.id + " " +
                         stage + "` lists them");
}

}  // namespace

Result<store::StageRow> find_stage(const store::RunDetails& details, const std::string& name) {
  for (const store::StageRow& stage : details.stages) {
    if (stage.stage == name) return stage;
  }
  return base::not_found("run " + details.run.id + " has no stage " + base::printable(name));
}

Result<std::string> find_log(const store::RunDetails& details, const std::string& stage,
                             std::size_t attempt) {
  const store::StageRow row = TRY(find_stage(details, stage));
  std::string path = row.log_path;
  if (attempt != 0) path = TRY(log_of_attempt(details, stage, attempt));
  if (path.empty())
    return base::not_found("the stage " + base::printable(stage) +
                           " wrote nothing: it did not run");
  return path;
}

std::vector<StageLog> list_logs(const store::RunDetails& details, const std::string& stage) {
  std::vector<StageLog> found;
  std::set<std::string> paths;
  for (const store::AttemptRow& row : details.attempts) {
    if (row.log_path.empty() || (!stage.empty() && row.stage != stage)) continue;
    if (!paths.insert(row.log_path).second) continue;
    found.push_back({row.stage, row.number, row.log_path,
                     row.started_at.value_or(details.run.started_at), false});
  }
  for (const store::StageRow& row : details.stages) {
    if (row.log_path.empty() || (!stage.empty() && row.stage != stage)) continue;
    if (!paths.insert(row.log_path).second) continue;
    found.push_back(
        {row.stage, 0, row.log_path, row.ended_at.value_or(details.run.started_at), true});
  }
  return found;
}

}  // namespace stagebox::run
