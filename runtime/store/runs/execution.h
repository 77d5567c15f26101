// Execution: which attempt made what a stage has as its result. What was taken from the stage cache
// was made by another run, or by this one before it was resumed, and by a stage that may have had
// another name.
#pragma once

#include <optional>
#include <string>

#include "runtime/store/runs/run_store.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::store {

/// Where the record does not say it any more, all but `run_id` is empty.
struct Execution {
  std::string run_id;
  std::string stage;
  std::optional<Timestamp> started_at;
  std::optional<Timestamp> ended_at;
  std::optional<Digest> stage_key;
  std::string exit_report;  ///< JSON, or empty
};

/// Of `row`, which is one of `details`. No error when the other run is not on record any more.
base::Result<Execution> execution_of(const RunStore& runs, const RunDetails& details,
                                     const StageRow& row);

}  // namespace stagebox::store
