#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <limits>

#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/connection_lines.h"
#include "runtime/cli/coverage_lines.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/json_text.h"
#include "runtime/cli/longest.h"
#include "runtime/cli/resume_hint.h"
#include "runtime/cli/summary_lines.h"
#include "runtime/cli/test_lines.h"
#include "runtime/cli/time_option.h"
#include "runtime/run/engine/connections.h"
#include "runtime/run/findings/coverage_json.h"
#include "runtime/run/findings/last_report.h"
#include "runtime/run/findings/stage_summary.h"
#include "runtime/run/findings/test_results.h"
#include "runtime/run/state/run_logs.h"
#include "runtime/run/state/stored_state.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;

json run_json(const store::RunRecord& run) {
  json document{{"run", run.id},
                {"pipeline", run.pipeline},
                {"file", run.file},
                {"state", std::string(store::run_state_name(run.state))},
                {"trust", std::string(base::to_string(run.domain.trust()))},
                {"domain", run.domain.name()},
                {"started_at_ms", run.started_at.time_since_epoch().count()}};
  if (run.ended_at) document["ended_at_ms"] = run.ended_at->time_since_epoch().count();
  return document;
}

std::string domain_note(const store::RunRecord& run) {
  const bool trusted = run.domain.trust() == base::Trust::kTrusted;
  return trusted ? "" : "  (" + run.domain.text() + ")";
}

json stage_json(const store::StageRow& row) {
  json document{
      {"stage", row.stage},       {"state", std::string(store::stage_state_name(row.state))},
      {"reason", row.reason},     {"log", row.log_path},
      {"attempts", row.attempts}, {"cached_from", row.cached_from}};
  if (row.stage_key) document["key"] = row.stage_key->hex();
  if (!row.exit_report.empty()) document["report"] = json::parse(row.exit_report, nullptr, false);
  return document;
}

// Of the cases that failed. None of results that have been removed.
std::size_t quarantined_in(const store::TestReportRef& report, const store::ContentStore& content) {
  if (report.failed == 0) return 0;
  const auto results = run::load_test_results(report, content);
  return results.ok() ? results->count_quarantined() : 0;
}

json tests_json(const store::TestReportRef& report, const store::ContentStore& content) {
  json counts{{"passed", report.passed}, {"failed", report.failed}, {"skipped", report.skipped}};
  if (const std::size_t quarantined = quarantined_in(report, content); quarantined != 0)
    counts["quarantined"] = quarantined;
  return counts;
}

json attempt_json(const store::AttemptRow& row) {
  json document{{"stage", row.stage},
                {"attempt", row.number},
                {"state", std::string(store::stage_state_name(row.state))},
                {"reason", row.reason},
                {"log", row.log_path}};
  if (row.started_at) document["started_at_ms"] = row.started_at->time_since_epoch().count();
  if (row.ended_at) document["ended_at_ms"] = row.ended_at->time_since_epoch().count();
  if (!row.exit_report.empty()) document["report"] = json::parse(row.exit_report, nullptr, false);
  return document;
}

// What is told of it is not trusted: each is read, and told again, by us.
void add_connections(const std::string& log_path, json& document) {
  const auto log = run::read_connections_beside(log_path);
  if (!log.ok()) {
    document["connections_problem"] = log.error().message;
    return;
  }
  json connections = json::array();
  const std::uint64_t omitted = run::for_each_connection(*log, [&](const run::Connection& one) {
    connections.push_back(json::parse(run::connection_json(one)));
  });
  if (!connections.empty()) document["connections"] = std::move(connections);
  if (omitted != 0) document["connections_omitted"] = omitted;
}

void print_connections(const std::string& log_path, const std::string& indent) {
  const auto log = run::read_connections_beside(log_path);
  const std::string lines =
      log.ok() ? connection_lines(*log, indent + "  ")
               : indent + "  " + scheduler::escape_controls(log.error().message) + "\n";
  if (!lines.empty()) std::cout << indent << "network:\n" << lines;
}

json details_json(const store::RunDetails& details, const store::ContentStore& content) {
  json document = run_json(details.run);
  for (const char* list : {"stages", "attempts", "outputs"}) document[list] = json::array();
  for (const auto& stage : details.stages) {
    document["stages"].push_back(stage_json(stage));
    if (const auto* tests = run::last_report(details.tests, stage))
      document["stages"].back()["tests"] = tests_json(tests->report, content);
    if (const auto* coverage = run::last_report(details.coverage, stage))
      document["stages"].back()["coverage"] =
          json::parse(run::coverage_json(run::counts_of(coverage->report)));
    if (const auto* summary = run::last_summary(details, stage))
      document["stages"].back()["summary"] = {{"lines", summary->report.lines}};
  }
  for (const auto& attempt : details.attempts)
    document["attempts"].push_back(attempt_json(attempt));
  for (const auto& output : details.outputs) document["outputs"].push_back(output_json(output));
  return document;
}

// Its log is none of its attempts', but that of the one that made what was taken.
bool is_taken(const store::RunDetails& details, const store::StageRow& stage) {
  return !stage.log_path.empty() &&
         std::ranges::find(details.attempts, stage.log_path, &store::AttemptRow::log_path) ==
             details.attempts.end();
}

// Of one stage, as only_stage() makes them.
json stage_details_json(const store::RunDetails& details, const store::ContentStore& content) {
  json document = details_json(details, content);
  for (std::size_t i = 0; i < details.attempts.size(); ++i) {
    const std::string& log_path = details.attempts[i].log_path;
    if (!log_path.empty()) add_connections(log_path, document["attempts"][i]);
  }
  const store::StageRow& stage = details.stages.front();
  if (is_taken(details, stage)) add_connections(stage.log_path, document["stages"][0]);
  return document;
}

std::string duration_of(const std::optional<store::Timestamp>& from,
                        const std::optional<store::Timestamp>& to) {
  return from && to ? base::format_duration(*to - *from) : "-";
}

// The details of one stage alone.
Result<store::RunDetails> only_stage(store::RunDetails details, const std::string& name) {
  TRY(run::find_stage(details, name));
  std::erase_if(details.stages, [&](const auto& row) { return row.stage != name; });
  std::erase_if(details.attempts, [&](const auto& row) { return row.stage != name; });
  std::erase_if(details.outputs, [&](const auto& row) { return row.stage != name; });
  std::erase_if(details.tests, [&](const auto& row) { return row.stage != name; });
  std::erase_if(details.coverage, [&](const auto& row) { return row.stage != name; });
  std::erase_if(details.summaries, [&](const auto& row) { return row.stage != name; });
  return details;
}

void print_runs(const std::vector<store::RunRecord>& runs) {
  for (const store::RunRecord& run : runs) {
    const std::chrono::nanoseconds began = run.started_at.time_since_epoch();
    std::cout << run.id << "  " << std::left << std::setw(10) << store::run_state_name(run.state)
              << format_local_time(began.count()) << "  " << std::setw(9)
              << duration_of(run.started_at, run.ended_at)
              << scheduler::escape_controls(run.pipeline) << "  "
              << scheduler::escape_controls(run.file) << domain_note(run) << '\n';
  }
}

std::string more_than(std::size_t listed, std::size_t all) {
  if (all <= listed) return "";
  return "and " + std::to_string(all - listed) + " older; `stagebox runs --limit 0` lists all\n";
}

void print_line(const std::string& name, std::size_t width, store::StageState state,
                const std::string& duration, const std::string& reason) {
  std::cout << std::left << std::setw(static_cast<int>(width)) << name << "  " << std::setw(17)
            << store::stage_state_name(state) << std::setw(9) << duration
            << scheduler::escape_controls(reason) << '\n';
}

void print_stages(const store::RunDetails& details, const store::ContentStore& content) {
  const std::size_t width = longest(details.stages, [](const auto& row) { return row.stage; });
  for (const store::StageRow& stage : details.stages) {
    const std::string times =
        stage.attempts > 1 ? "[" + std::to_string(stage.attempts) + " attempts] " : "";
    std::cout << "  ";
    print_line(stage.stage, width, stage.state, duration_of(stage.started_at, stage.ended_at),
               times + stage.reason);
    if (const auto* tests = run::last_report(details.tests, stage))
      std::cout << "    tests: "
                << test_counts(tests->report, quarantined_in(tests->report, content)) << '\n';
    if (const auto* coverage = run::last_report(details.coverage, stage))
      std::cout << "    coverage: " << line_counts(run::counts_of(coverage->report)) << '\n';
    if (const auto* summary = run::last_summary(details, stage))
      std::cout << "    summary: " << base::counted(summary->report.lines, "line") << '\n';
  }
}

void print_attempts(const store::RunDetails& details) {
  const store::StageRow& stage = details.stages.front();
  if (is_taken(details, stage)) print_connections(stage.log_path, "    ");
  const auto name_of = [](const store::AttemptRow& row) {
    return "attempt " + std::to_string(row.number);
  };
  const std::size_t width = longest(details.attempts, name_of);
  for (const store::AttemptRow& attempt : details.attempts) {
    std::cout << "    ";
    print_line(name_of(attempt), width, attempt.state,
               duration_of(attempt.started_at, attempt.ended_at), attempt.reason);
    if (attempt.log_path.empty()) continue;
    std::cout << "      log: " << attempt.log_path << '\n';
    print_connections(attempt.log_path, "      ");
  }
}

}  // namespace

Result<int> runs_command(const RunsOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open());
  const auto runs = TRY(state.runs().list_runs(
      options.limit == 0 ? std::numeric_limits<std::size_t>::max() : options.limit));
  const std::string more = more_than(runs.size(), TRY(state.runs().count_runs()));
  if (options.format == OutputFormat::kJson) {
    json document = json::array();
    for (const store::RunRecord& run : runs) document.push_back(run_json(run));
    std::cout << pretty(document);
    // A list of runs has no place for it.
    std::cerr << more;
    return kSuccess;
  }
  print_runs(runs);
  std::cout << more;
  return kSuccess;
}

Result<int> show_command(const ShowOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open());
  const std::string id = TRY(state.runs().find_run(options.run)).id;
  store::RunDetails details = TRY(state.runs().show_run(id));
  if (!options.stage.empty()) details = TRY(only_stage(std::move(details), options.stage));
  if (options.summary) {
    TRY(print_summaries(details, options, state.content()));
    return kSuccess;
  }
  if (options.format == OutputFormat::kJson) {
    std::cout << pretty(options.stage.empty() ? details_json(details, state.content())
                                              : stage_details_json(details, state.content()));
    return kSuccess;
  }
  std::cout << "run " << details.run.id << "  " << store::run_state_name(details.run.state) << "  "
            << scheduler::escape_controls(details.run.file) << domain_note(details.run) << '\n';
  print_stages(details, state.content());
  if (options.stage.empty()) {
    const store::RunState ended = details.run.state;
    const bool is_broken_off =
        ended == store::RunState::kCancelled || ended == store::RunState::kError;
    if (is_broken_off) std::cout << resume_hint(id);
    return kSuccess;
  }
  print_attempts(details);
  return kSuccess;
}

}  // namespace stagebox::cli
