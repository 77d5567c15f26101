#include "runtime/report/run_story.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "runtime/base/version.h"
#include "runtime/report/record_json.h"
#include "runtime/run/findings/coverage_json.h"
#include "runtime/run/stage_cache.h"

namespace stagebox::report {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

/// Of one stage, in the page: what is longer or more is cut, and said to be.
constexpr std::size_t kMostText = 16384;
constexpr std::size_t kMostOutputs = 500;

std::string shortened(std::string text) {
  if (text.size() <= kMostText) return text;
  text.resize(kMostText);
  return text + "...";
}

milliseconds since_epoch(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch());
}

std::string command_of(const scheduler::Stage& stage) {
  if (const auto* script = std::get_if<scheduler::Script>(&stage.run)) return script->text;
  std::string line;
  for (const std::string& argument : std::get<scheduler::Argv>(stage.run).arguments)
    line += (line.empty() ? "" : "\n") + argument;
  return line;
}

// What the stage waits for, each stage once, with the outputs that it takes from it.
json needs_of(const scheduler::PlannedStage& planned, const scheduler::Plan& plan) {
  std::map<std::size_t, std::vector<std::string>> needs;
  for (const std::size_t index : planned.edges_in) {
    const scheduler::PlanEdge& edge = plan.edges()[index];
    auto& outputs = needs[edge.from];
    if (edge.kind == scheduler::EdgeKind::kData) outputs.push_back(edge.output);
  }
  json list = json::array();
  for (const auto& [from, outputs] : needs) list.push_back({{"from", from}, {"outputs", outputs}});
  return list;
}

json json_of(const LogExcerpt& log, milliseconds start) {
  // An array for each line: many keys would be longer than the lines.
  json lines = json::array();
  for (const LogLine& line : log.lines) {
    json entry{static_cast<int>(line.kind), line.text};
    if (line.wall_ms || line.cut != 0)
      entry.push_back(line.wall_ms ? json(*line.wall_ms - start.count()) : json());
    if (line.cut != 0) entry.push_back(line.cut);
    lines.push_back(std::move(entry));
  }
  return {{"lines", std::move(lines)},
          {"left_out", log.left_out},
          {"damaged", log.state == logs::LogState::kDamaged}};
}

void add_log(json& object, const LogStory& log, milliseconds started) {
  if (log.excerpt) object["log"] = json_of(*log.excerpt, started);
  if (log.missing) object["log_missing"] = true;
}

json json_of(const AttemptStory& attempt, milliseconds started) {
  json object{{"number", attempt.number},
              {"start_ms", attempt.start.count()},
              {"end_ms", attempt.end.count()},
              {"slot", attempt.slot},
              {"state", attempt.state}};
  if (!attempt.detail.empty()) object["detail"] = shortened(attempt.detail);
  add_log(object, attempt.log, started);
  for (const ServiceStory& service : attempt.services) {
    json entry{{"name", service.name}};
    add_log(entry, service.log, started);
    object["services"].push_back(std::move(entry));
  }
  return object;
}

void add_details(json& list, const std::vector<test_reports::TestCase>& cases) {
  for (std::size_t i = 0; i < cases.size(); ++i) list[i]["detail"] = cases[i].detail;
}

void add_record(json& object, const run::StageRecord& record) {
  json known = record_json(record);
  known.erase("log");
  if (record.outputs.size() > kMostOutputs) {
    auto& outputs = known["outputs"].get_ref<json::array_t&>();
    outputs.resize(kMostOutputs);
    known["more_outputs"] = record.outputs.size() - kMostOutputs;
  }
  if (record.tests) {
    add_details(known["tests"]["failed_cases"], record.tests->failed);
    add_details(known["tests"]["quarantined_cases"], record.tests->quarantined_cases);
  }
  if (record.coverage) {
    known["coverage"]["all_files"] = record.coverage->all_files;
    auto& files = known["coverage"]["files"] = json::array();
    for (const run::ComparedFile& file : record.coverage->files)
      files.push_back(json::parse(run::coverage_json(file)));
  }
  if (record.verdict) known["verdict"] = std::string(run::to_string(*record.verdict));
  if (!record.verdict_detail.empty()) known["verdict_detail"] = record.verdict_detail;
  object.update(known);
}

// As markup.js has it.
std::string_view name_of(markdown::Markup markup) {
  using markdown::Markup;
  switch (markup) {
    case Markup::kText:
    case Markup::kEnd:
      break;
    case Markup::kLineBreak:
      return "break";
    case Markup::kRule:
      return "rule";
    case Markup::kCode:
      return "code";
    case Markup::kCodeBlock:
      return "block";
    case Markup::kParagraph:
      return "paragraph";
    case Markup::kHeading:
      return "heading";
    case Markup::kQuote:
      return "quote";
    case Markup::kList:
      return "list";
    case Markup::kNumberedList:
      return "numbered";
    case Markup::kItem:
      return "item";
    case Markup::kTask:
      return "task";
    case Markup::kTable:
      return "table";
    case Markup::kRow:
      return "row";
    case Markup::kHeadCell:
      return "headcell";
    case Markup::kCell:
      return "cell";
    case Markup::kEmphasis:
      return "emphasis";
    case Markup::kStrong:
      return "strong";
    case Markup::kDeleted:
      return "deleted";
    case Markup::kLink:
      return "link";
    case Markup::kDetails:
      return "details";
    case Markup::kDetailsTitle:
      return "title";
  }
  return "";
}

json json_of(const markdown::Token& token) {
  if (token.markup == markdown::Markup::kText) return token.text;
  if (token.markup == markdown::Markup::kEnd) return 0;
  return json::array({std::string(name_of(token.markup)), token.text});
}

void add_summary(json& object, const markdown::Document& summary) {
  object["cut"] = summary.is_cut;
  object["tokens"] = json::array();
  for (const markdown::Token& token : summary.tokens) object["tokens"].push_back(json_of(token));
}

json json_of(const StageStory& story, const scheduler::PlannedStage& planned,
             const scheduler::Plan& plan, milliseconds started) {
  json object{{"id", planned.stage.id},
              {"level", planned.level},
              {"state", std::string(scheduler::to_string(story.outcome.state))},
              {"needs", needs_of(planned, plan)},
              {"image", planned.stage.image},
              {"command", shortened(command_of(planned.stage))}};
  if (!story.outcome.detail.empty()) object["detail"] = shortened(story.outcome.detail);
  if (!story.why.empty()) object["why"] = shortened(story.why);
  object["attempts"] = json::array();
  for (const AttemptStory& attempt : story.attempts)
    object["attempts"].push_back(json_of(attempt, started));
  if (story.record) add_record(object, *story.record);
  if (story.summary) add_summary(object["summary"], *story.summary);
  return object;
}

}  // namespace

std::string json_of(const RunStory& story, const scheduler::Plan& plan) {
  const milliseconds started = since_epoch(story.started);
  json document;
  document["run"] = {{"id", story.id},
                     {"pipeline", story.facts.pipeline},
                     {"file", story.facts.file},
                     {"trust", std::string(base::to_string(story.facts.domain.trust()))},
                     {"domain", story.facts.domain.name()},
                     {"resumed", story.facts.resumed},
                     {"stagebox", base::kVersion},
                     {"started_ms", started.count()},
                     {"elapsed_ms", story.elapsed.count()},
                     {"result", story.result},
                     {"timed_out", story.timed_out}};
  document["stages"] = json::array();
  for (const scheduler::PlannedStage& planned : plan.stages())
    document["stages"].push_back(json_of(story.stages[planned.index], planned, plan, started));
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace stagebox::report
