#include "runtime/run/state/run_logs.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/run/stage/missing_stage.h"

namespace stagebox::run {

using base::Result;

namespace {

constexpr std::string_view kLogEnding = ".log";

std::string_view without_ending(std::string_view path) {
  return path.ends_with(kLogEnding) ? path.substr(0, path.size() - kLogEnding.size()) : path;
}

bool is_service_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// Which services have a log beside a stage's. Reads each directory once.
class ServicesBeside {
 public:
  const std::vector<std::string>& of(const std::string& stage_log) {
    static const std::vector<std::string> none;
    const std::size_t slash = stage_log.rfind('/');
    if (slash == std::string::npos) return none;
    const Services& services = in(stage_log.substr(0, slash));
    const auto found =
        services.find(std::string(without_ending(std::string_view(stage_log).substr(slash + 1))));
    return found == services.end() ? none : found->second;
  }

 private:
  using Services =
      std::map<std::string, std::vector<std::string>>;  ///< By stem of the stage's log.

  const Services& in(const std::string& directory) {
    const auto [known, is_new] = directories_.try_emplace(directory);
    if (is_new) known->second = read(directory);
    return known->second;
  }

  // Nothing of a directory that is not there any more.
  static Services read(const std::string& directory) {
    Services services;
    const auto opened = base::open_path(directory, O_RDONLY | O_DIRECTORY);
    if (!opened.ok()) return services;
    auto names = base::list_dir(opened->get());
    if (!names.ok()) return services;
    std::ranges::sort(*names);
    for (const std::string& name : *names) {
      const std::size_t mark = name.rfind(kServiceMark);
      if (mark == std::string::npos || !name.ends_with(kLogEnding)) continue;
      std::string service(without_ending(std::string_view(name)).substr(mark + 1));
      // The values of a matrix may have the mark in them.
      if (is_service_name(service)) services[name.substr(0, mark)].push_back(std::move(service));
    }
    return services;
  }

  std::map<std::string, Services> directories_;
};

std::vector<StageLog> logs_of_stages(const store::RunDetails& details, const std::string& stage) {
  std::vector<StageLog> found;
  std::set<std::string> paths;
  for (const store::AttemptRow& row : details.attempts) {
    if (row.log_path.empty() || (!stage.empty() && row.stage != stage)) continue;
    if (!paths.insert(row.log_path).second) continue;
    found.push_back({row.stage, "", row.number, row.log_path,
                     row.started_at.value_or(details.run.started_at), false});
  }
  for (const store::StageRow& row : details.stages) {
    if (row.log_path.empty() || (!stage.empty() && row.stage != stage)) continue;
    if (!paths.insert(row.log_path).second) continue;
    found.push_back(
        {row.stage, "", 0, row.log_path, row.ended_at.value_or(details.run.started_at), true});
  }
  return found;
}

StageLog log_of_service(const StageLog& stage, const std::string& service) {
  StageLog log = stage;
  log.service = service;
  log.path = service_log_path(stage.path, service);
  return log;
}

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
  return no_stage(details, name);
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
  return std::string(without_ending(stage_log)) + kServiceMark + service + std::string(kLogEnding);
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

std::vector<StageLog> list_logs(const store::RunDetails& details) {
  std::vector<StageLog> found;
  ServicesBeside services;
  for (StageLog& log : logs_of_stages(details, "")) {
    std::vector<StageLog> beside;
    for (const std::string& service : services.of(log.path))
      beside.push_back(log_of_service(log, service));
    found.push_back(std::move(log));
    std::ranges::move(beside, std::back_inserter(found));
  }
  return found;
}

std::vector<StageLog> list_logs(const store::RunDetails& details, const NamedLog& named) {
  std::vector<StageLog> found = logs_of_stages(details, named.stage.stage);
  if (named.service.empty()) return found;
  for (StageLog& log : found) log = log_of_service(log, named.service);
  std::erase_if(found, [](const StageLog& log) { return !base::open_path(log.path, O_PATH).ok(); });
  return found;
}

}  // namespace stagebox::run
