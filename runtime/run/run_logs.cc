#include "runtime/run/run_logs.h"

#include <fcntl.h>

#include <cstdint>
#include <set>
#include <string_view>

#include "runtime/base/files.h"
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

Result<std::string> find_service_log(const std::string& stage_log, const NamedLog& named) {
  std::string path = service_log_path(stage_log, named.service);
  // What was given is a name and not a path.
  const bool plain = named.service.find('/') == std::string::npos;
  if (plain && base::open_path(path, O_PATH).ok()) return path;
  return base::not_found("the stage " + named.stage.stage + " had no service " +
                         base::printable(named.service) + " when it ran");
}

}  // namespace

Result<store::StageRow> find_stage(const store::RunDetails& details, const std::string& name) {
  for (const store::StageRow& stage : details.stages) {
    if (stage.stage == name) return stage;
  }
  return base::not_found("run " + details.run.id + " has no stage " + base::printable(name));
}

// The values of a matrix may have the mark in them, names of services have not.
Result<NamedLog> find_named_log(const store::RunDetails& details, const std::string& name) {
  auto stage = find_stage(details, name);
  if (stage.ok()) return NamedLog{std::move(*stage), ""};
  const std::size_t mark = name.rfind(kServiceMark);
  if (mark == std::string::npos || mark + 1 == name.size()) return stage.error();
  return NamedLog{TRY(find_stage(details, name.substr(0, mark))), name.substr(mark + 1)};
}

std::string service_log_path(const std::string& stage_log, const std::string& service) {
  constexpr std::string_view kEnding = ".log";
  std::string path = stage_log;
  if (path.ends_with(kEnding)) path.resize(path.size() - kEnding.size());
  return path + kServiceMark + service + std::string(kEnding);
}

Result<std::string> find_log(const store::RunDetails& details, const std::string& stage,
                             std::size_t attempt) {
  const NamedLog named = TRY(find_named_log(details, stage));
  std::string path = named.stage.log_path;
  if (attempt != 0) path = TRY(log_of_attempt(details, named.stage.stage, attempt));
  if (path.empty())
    return base::not_found("the stage " + base::printable(named.stage.stage) +
                           " wrote nothing: it did not run");
  if (named.service.empty()) return path;
  return find_service_log(path, named);
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
