// What `tests --coverage` shows: the coverage of a run's stages, in all and of each source file.
#pragma once

#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/run/state/stored_state.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::cli {

/// Prints it. kNotFound as measured_stages().
base::Result<int> list_coverage(const TestsOptions& options, const run::StoredState& state,
                                const store::RunDetails& details);

}  // namespace stagebox::cli
