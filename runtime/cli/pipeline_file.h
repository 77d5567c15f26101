// Reading a pipeline file as named on the command line.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"
#include "scheduler/diagnostics.h"
#include "scheduler/pipeline.h"

namespace stagebox::cli {

struct LoadedPipeline {
  scheduler::Pipeline pipeline;
  std::string path;  ///< Absolute.
};

/// "FILE has 2 mistakes", and a line for each.
std::string describe_mistakes(const scheduler::Diagnostics& mistakes);
/// The pipeline, or all mistakes of the file. kInvalid for an untrusted run when the file is a link
/// out of its directory, as what it leads to is somebody else's.
base::Result<std::variant<LoadedPipeline, scheduler::Diagnostics>> read_pipeline(
    const PipelineOptions& options, base::Trust trust = base::Trust::kTrusted);
/// The same; kInvalid with all mistakes of the file, a line each.
base::Result<LoadedPipeline> load_pipeline(const PipelineOptions& options,
                                           base::Trust trust = base::Trust::kTrusted);
/// The names of its stages, as far as they can be told of a file that may have mistakes.
base::Result<std::vector<std::string>> load_stage_ids(const std::string& file);

}  // namespace stagebox::cli
