// The summaries of a run's stages for a person at a terminal.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::cli {

/// A line that says how to read them; empty when there are none.
std::string summary_hint(const std::vector<std::string>& stages, const std::string& run_id);

/// Prints those of the last attempts, each below its stage's name unless `options` name one.
/// kNotFound when there is none.
base::Result<void> print_summaries(const store::RunDetails& details, const ShowOptions& options,
                                   const store::ContentStore& content);

}  // namespace stagebox::cli
