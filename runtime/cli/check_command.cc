#include <nlohmann/json.hpp>

#include <iostream>

#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/json_text.h"
#include "runtime/cli/pipeline_file.h"
#include "scheduler/graph.h"
#include "scheduler/plan.h"

namespace stagebox::cli {
namespace {

using nlohmann::json;

scheduler::GraphFormat graph_format(GraphFormat format) {
  switch (format) {
    case GraphFormat::kText:
      return scheduler::GraphFormat::kText;
    case GraphFormat::kDot:
      return scheduler::GraphFormat::kDot;
    case GraphFormat::kMermaid:
      return scheduler::GraphFormat::kMermaid;
    case GraphFormat::kJson:
      break;
  }
  return scheduler::GraphFormat::kJson;
}

json mistakes_json(const scheduler::Diagnostics& mistakes) {
  json list = json::array();
  for (const scheduler::Diagnostic& mistake : mistakes.sorted()) {
    json document{{"file", mistakes.file_name()}, {"message", mistake.message}};
    if (mistake.position.known()) {
      document["line"] = mistake.position.line;
      document["column"] = mistake.position.column;
    }
    if (!mistake.hint.empty()) document["hint"] = mistake.hint;
    list.push_back(std::move(document));
  }
  return list;
}

// That a file is wrong is an answer, not a failure to give one.
base::Result<int> check_as_json(const CheckOptions& options) {
  const auto read = TRY(read_pipeline(options.pipeline));
  if (const auto* mistakes = std::get_if<scheduler::Diagnostics>(&read)) {
    json document{{"valid", false}, {"mistakes", mistakes_json(*mistakes)}};
    const std::size_t left_out = mistakes->size() - document["mistakes"].size();
    if (left_out != 0) document["left_out"] = left_out;
    std::cout << pretty(document);
    return kUsage;
  }
  const auto& loaded = std::get<LoadedPipeline>(read);
  const scheduler::Plan plan = TRY(scheduler::make_plan(loaded.pipeline));
  std::cout << json{{"file", loaded.path}, {"valid", true}, {"stages", plan.size()}}.dump() << '\n';
  return kSuccess;
}

}  // namespace

base::Result<int> check_command(const CheckOptions& options) {
  if (options.format == OutputFormat::kJson) return check_as_json(options);
  const LoadedPipeline loaded = TRY(load_pipeline(options.pipeline));
  const scheduler::Plan plan = TRY(scheduler::make_plan(loaded.pipeline));
  std::cout << options.pipeline.file << ": valid, " << base::counted(plan.size(), "stage") << '\n';
  return kSuccess;
}

base::Result<int> graph_command(const GraphOptions& options) {
  const LoadedPipeline loaded = TRY(load_pipeline(options.pipeline));
  const scheduler::Plan plan = TRY(scheduler::make_plan(loaded.pipeline));
  std::cout << scheduler::render_graph(plan, loaded.pipeline.name, graph_format(options.format));
  return kSuccess;
}

}  // namespace stagebox::cli
