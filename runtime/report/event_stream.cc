#include "runtime/report/event_stream.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include <map>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/version.h"
#include "runtime/report/record_json.h"
#include "runtime/run/engine/connections.h"

namespace stagebox::report {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

std::string line_of(const json& event) {
  return event.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

json begin(const char* name, std::chrono::system_clock::time_point now) {
  const auto since_epoch = std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
  return {{"event", name}, {"time_ms", since_epoch.count()}};
}

}  // namespace

std::string_view result_name(scheduler::RunResult result) {
  switch (result) {
    case scheduler::RunResult::kSuccess:
      return "succeeded";
    case scheduler::RunResult::kFailed:
      return "failed";
    case scheduler::RunResult::kCancelled:
      return "cancelled";
    case scheduler::RunResult::kError:
      break;
  }
  return "error";
}

EventStream::EventStream(TextSink& sink, RunFacts facts, Clock clock)
    : sink_(sink), facts_(std::move(facts)), clock_(std::move(clock)) {}

void EventStream::on_run_started(const std::string& run_id) {
  json event = begin("run_started", clock_());
  event["schema"] = kEventSchema;
  event["stagebox"] = base::kVersion;
  event["run"] = run_id;
  event["pipeline"] = facts_.pipeline;
  event["file"] = facts_.file;
  event["trust"] = std::string(base::to_string(facts_.domain.trust()));
  event["domain"] = facts_.domain.name();
  event["stages"] = facts_.stages;
  event["resumed"] = facts_.resumed;
  sink_.write(line_of(event));
}

void EventStream::on_stage(const scheduler::PlannedStage& planned,
                           const scheduler::StageOutcome& outcome, const run::StageRecord* record,
                           milliseconds elapsed) {
  if (record != nullptr && !record->connections.is_empty())
    write_connections(planned.stage.id, outcome, record->log_path);
  json event = begin("stage", clock_());
  event["stage"] = planned.stage.id;
  event["state"] = std::string(scheduler::to_string(outcome.state));
  event["elapsed_ms"] = elapsed.count();
  if (outcome.attempt > 0) event["attempt"] = outcome.attempt;
  if (outcome.state == scheduler::StageState::kRetrying)
    event["retry_in_ms"] = outcome.retry_in.count();
  if (!outcome.detail.empty()) event["detail"] = outcome.detail;
  if (record != nullptr) event.update(record_json(*record));
  sink_.write(line_of(event));
}

// Each is told with the time at which it ended, when the attempt has.
void EventStream::write_connections(const std::string& stage,
                                    const scheduler::StageOutcome& outcome,
                                    const std::string& log_path) {
  json event = begin("connection", clock_());
  event["stage"] = stage;
  if (outcome.attempt > 0) event["attempt"] = outcome.attempt;
  const auto file = base::open_path(run::connection_log_beside(log_path), O_RDONLY);
  const auto text =
      file.ok() ? run::read_connections(file->get()) : base::Result<std::string>(file.error());
  if (!text.ok()) {
    event["problem"] = text.error().message;
    sink_.write(line_of(event));
    return;
  }
  (void)run::for_each_connection(*text, [&](const run::Connection& connection) {
    json one = event;
    one.update(json::parse(run::connection_json(connection)));
    sink_.write(line_of(one));
  });
}

void EventStream::on_warning(const std::string& text) {
  json event = begin("warning", clock_());
  event["message"] = text;
  sink_.write(line_of(event));
}

void EventStream::on_run_finished(const scheduler::RunSummary& summary, milliseconds elapsed) {
  std::map<std::string, std::size_t> counts;
  for (const scheduler::StageOutcome& stage : summary.stages)
    ++counts[std::string(scheduler::to_string(stage.state))];
  json event = begin("run_finished", clock_());
  event["result"] = std::string(result_name(summary.result));
  event["timed_out"] = summary.timed_out;
  event["elapsed_ms"] = elapsed.count();
  event["counts"] = counts;
  sink_.write(line_of(event));
}

}  // namespace stagebox::report
