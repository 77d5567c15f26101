// The SQL of how long stages took; as run_queries.h.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "runtime/base/result.h"
#include "runtime/store/runs/sqlite.h"

namespace stagebox::store {

/// Adds to the recent durations of a stage, of which kKeptDurations are kept.
base::Result<void> add_duration(Database& database, const std::string& pipeline,
                                const std::string& stage, std::chrono::milliseconds took);
/// Few enough that a stage that became slower is soon known to be, enough for one that hung not to
/// count.
inline constexpr std::size_t kKeptDurations = 5;

base::Result<std::map<std::string, std::chrono::milliseconds>> median_durations(
    Database& database, const std::string& pipeline);

}  // namespace stagebox::store
