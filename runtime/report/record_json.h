// The record of a stage as JSON, the same in events and in the report.
#pragma once

#include <nlohmann/json.hpp>

#include "runtime/run/stage_record.h"

namespace stagebox::report {

/// An object with what is known: `key`, `log`, `cached_from`, `connections`, `tests`, `coverage`,
/// `summary`, `report`, `outputs`, and `annotations`, with `more_annotations`.
nlohmann::json record_json(const run::StageRecord& record);

}  // namespace stagebox::report
