// What follows when a log that a stage's result refers to turns out to be damaged: as with any
// stored object, the result is dropped, and the stage runs again the next time.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/run/state/stored_state.h"

namespace stagebox::run {

/// Of the stage of the run whose log is at `path`; whether there was a result with that log. One
/// that was made since has another log, and stays.
base::Result<bool> drop_result_of_log(const StoredState& state, const std::string& run_id,
                                      const std::string& path);

}  // namespace stagebox::run
