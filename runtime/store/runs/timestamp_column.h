// How a column of the run database holds a time: as milliseconds since 1970. Internal to the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "runtime/store/runs/run_types.h"

namespace stagebox::store {

inline std::int64_t to_column(Timestamp time) { return time.time_since_epoch().count(); }

inline Timestamp time_of(std::int64_t column) {
  return Timestamp(std::chrono::milliseconds(column));
}

/// NULL when there is none.
inline std::optional<std::int64_t> to_column(const std::optional<Timestamp>& time) {
  return time ? std::optional(to_column(*time)) : std::nullopt;
}
inline std::optional<Timestamp> time_of(std::optional<std::int64_t> column) {
  return column ? std::optional(time_of(*column)) : std::nullopt;
}

}  // namespace stagebox::store
