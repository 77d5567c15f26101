#include <nlohmann/json.hpp>
#include <unistd.h>

#include <iomanip>
#include <iostream>
#include <set>
#include <string_view>
#include <vector>

#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/json_text.h"
#include "runtime/cli/longest.h"
#include "runtime/cli/output_name.h"
#include "runtime/cli/run_request.h"
#include "runtime/report/provenance.h"
#include "runtime/run/state/artifact_export.h"
#include "runtime/run/state/stored_state.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;

void list(const store::RunDetails& details, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    json document = json::array();
    for (const store::OutputRow& row : details.outputs) document.push_back(output_json(row));
    std::cout << pretty(document);
    return;
  }
  std::set<std::string_view> failed;
  for (const store::StageRow& stage : details.stages) {
    if (!store::has_succeeded(stage.state)) failed.insert(stage.stage);
  }
  const std::size_t width = longest(details.outputs, name_of_output);
  for (const store::OutputRow& row : details.outputs) {
    std::cout << std::left << std::setw(static_cast<int>(width)) << name_of_output(row) << "  "
              << std::setw(10) << base::format_bytes(row.output.total_bytes)
              << scheduler::escape_controls(row.output.path.str())
              << (failed.contains(row.stage) ? "  (its stage failed)" : "") << '\n';
  }
}

base::Error no_outputs(const store::RunDetails& details) {
  return base::not_found("run " + details.run.id +
                         " has no outputs: its stages made none, or `gc` has removed them");
}

// STAGE.OUTPUT: names of outputs have no dot, those of stages may.
Result<store::OutputRow> find_output(const store::RunDetails& details, const std::string& text) {
  for (const store::OutputRow& row : details.outputs) {
    if (name_of_output(row) == text) return row;
  }
  if (details.outputs.empty()) return no_outputs(details);
  return base::not_found("run " + details.run.id + " has no output " + base::printable(text) +
                         "; `stagebox artifacts " + details.run.id + "` lists them");
}

Result<void> export_all(const run::StoredState& state, const store::RunDetails& details,
                        const std::string& destination) {
  if (destination == "-")
    return base::invalid("only one output can be written to the standard output");
  if (details.outputs.empty()) return no_outputs(details);
  std::vector<run::NamedOutput> outputs;
  outputs.reserve(details.outputs.size());
  for (const store::OutputRow& row : details.outputs)
    outputs.push_back({name_of_output(row), row.output});
  return run::export_artifacts(state.home(), state.content(), outputs, destination);
}

Result<void> write_to_stdout(const store::ContentStore& content, const store::StoredOutput& output,
                             run::ExportForm form) {
  if (form == run::ExportForm::kTar && ::isatty(STDOUT_FILENO) == 1)
    return base::invalid("an archive is nothing for a terminal; redirect the standard output");
  return run::stream_artifact(content, output, form, STDOUT_FILENO);
}

Result<void> print_provenance(const run::StoredState& state, const store::RunDetails& details,
                              const store::OutputRow& output) {
  // A run that an older Stagebox began has no request.
  const auto request = decode_request(details.run.request);
  const report::Parameters parameters = request.ok() ? request->params : report::Parameters();
  const store::DecisionStore decisions = state.runs().decisions();
  std::cout << TRY(report::provenance_of({state.runs(), decisions, state.content()}, details,
                                         output, parameters));
  return {};
}

}  // namespace

Result<int> artifacts_command(const ArtifactsOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open());
  const std::string id = TRY(state.runs().find_run(options.run)).id;
  const store::RunDetails details = TRY(state.runs().show_run(id));
  if (options.all) {
    TRY(export_all(state, details, *options.all));
    return kSuccess;
  }
  if (options.output.empty()) {
    list(details, options.format);
    return kSuccess;
  }
  const store::OutputRow row = TRY(find_output(details, options.output));
  if (options.provenance) {
    TRY(print_provenance(state, details, row));
    return kSuccess;
  }
  const store::StoredOutput& output = row.output;
  if (options.destination.empty())
    return base::invalid("where to put it? stagebox artifacts RUN OUTPUT DESTINATION");
  const auto form = options.is_tar ? run::ExportForm::kTar : run::ExportForm::kTree;
  TRY(options.destination == "-"
          ? write_to_stdout(state.content(), output, form)
          : run::export_artifact(state.home(), state.content(), output, form, options.destination));
  return kSuccess;
}

}  // namespace stagebox::cli
