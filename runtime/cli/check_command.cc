#include <nlohmann/json.hpp>

#include <iostream>

#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/pipeline_file.h"
#include "scheduler/graph.h"
#include "scheduler/plan.h"

namespace stagebox::cli {
namespace {

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

}  // namespace

base::Result<int> check_command(const CheckOptions& options) {
  const LoadedPipeline loaded = TRY(load_pipeline(options.pipeline));
  const scheduler::Plan plan = TRY(scheduler::make_plan(loaded.pipeline));
  if (options.format == OutputFormat::kJson) {
    std::cout
        << nlohmann::json{{"file", loaded.path}, {"valid", true}, {"stages", plan.size()}}.dump()
        << '\n';
  } else {
    std::cout << options.pipeline.file << ": valid, " << base::counted(plan.size(), "stage")
              << '\n';
  }
  return kSuccess;
}

base::Result<int> graph_command(const GraphOptions& options) {
  const LoadedPipeline loaded = TRY(load_pipeline(options.pipeline));
  const scheduler::Plan plan = TRY(scheduler::make_plan(loaded.pipeline));
  std::cout << scheduler::render_graph(plan, loaded.pipeline.name, graph_format(options.format));
  return kSuccess;
}

}  // namespace stagebox::cli
