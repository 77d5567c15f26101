// Reading a pipeline file as named on the command line.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/cli/options.h"
#include "scheduler/pipeline.h"

namespace stagebox::cli {

struct LoadedPipeline {
  scheduler::Pipeline pipeline;
  std::string path;  ///< Absolute.
};

/// kInvalid with all mistakes of the file, a line each.
base::Result<LoadedPipeline> load_pipeline(const PipelineOptions& options);

}  // namespace stagebox::cli
