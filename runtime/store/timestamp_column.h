// How a column of the run database holds a time: as milliseconds since 1970. Internal to the store.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/store/run_types.h"

namespace stagebox::store {

inline std::int64_t to_column(Timestamp time) { return time.time_since_epoch().count(); }

/// NULL when there is none.
inline std::optional<std::int64_t> to_column(const std::optional<Timestamp>& time) {
  return time ? std::optional(to_column(*time)) : std::nullopt;
}

}  // namespace stagebox::store
