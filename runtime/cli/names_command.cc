// The command that prints names alone, for what completes a command line and for scripts.
#include <iostream>
#include <limits>

#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/output_name.h"
#include "runtime/cli/pipeline_file.h"
#include "runtime/run/state/stored_state.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using base::Result;
using Names = std::vector<std::string>;

Result<Names> names_of_runs() {
  const run::StoredState state = TRY(run::StoredState::open());
  Names names;
  for (const auto& run : TRY(state.runs().list_runs(std::numeric_limits<std::size_t>::max())))
    names.push_back(run.id);
  return names;
}

// What cannot be said by a name is called by the beginning of its digest.
Result<Names> names_of_images() {
  constexpr std::size_t kOfDigest = 12;
  const images::ImageStore store = TRY(run::open_image_store());
  Names names;
  for (const images::StoredImage& stored : TRY(store.list())) {
    names.insert(names.end(), stored.names.begin(), stored.names.end());
    if (stored.names.empty())
      names.push_back(stored.image.manifest_digest.hex().substr(0, kOfDigest));
  }
  return names;
}

Result<store::RunDetails> details_of(const NamesOptions& options) {
  if (options.of.empty())
    return base::invalid("of which run? Give its id, or `last`, behind the kind of names");
  const run::StoredState state = TRY(run::StoredState::open());
  return state.runs().show_run(TRY(state.runs().find_run(options.of)).id);
}

Result<Names> find_names(const NamesOptions& options) {
  using Kind = NamesOptions::Kind;
  const bool is_of_all = options.kind == Kind::kRuns || options.kind == Kind::kImages;
  if (is_of_all && !options.of.empty())
    return base::invalid("runs and images are of no run and no file: nothing stands behind them");
  Names names;
  switch (options.kind) {
    case Kind::kRuns:
      return names_of_runs();
    case Kind::kImages:
      return names_of_images();
    case Kind::kPipelineStages:
      return load_stage_ids(options.of.empty() ? kDefaultPipeline : options.of);
    case Kind::kStages: {
      const store::RunDetails details = TRY(details_of(options));
      for (const store::StageRow& row : details.stages) names.push_back(row.stage);
      return names;
    }
    case Kind::kOutputs: {
      const store::RunDetails details = TRY(details_of(options));
      for (const store::OutputRow& row : details.outputs) names.push_back(name_of_output(row));
      return names;
    }
  }
  return names;
}

}  // namespace

Result<int> names_command(const NamesOptions& options) {
  for (const std::string& name : TRY(find_names(options)))
    std::cout << scheduler::escape_controls(name) << '\n';
  return kSuccess;
}

}  // namespace stagebox::cli
