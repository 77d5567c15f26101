// How a column of the run database holds a stage key: in hexadecimal, empty when there is none.
// Internal to the store.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::store {

inline std::string to_column(const std::optional<Digest>& key) { return key ? key->hex() : ""; }

/// kCorrupt for what we did not write.
inline base::Result<std::optional<Digest>> key_of(const std::string& column) {
  if (column.empty()) return std::optional<Digest>();
  const auto digest = Digest::from_hex(column);
  if (!digest.ok()) return base::corrupt("a stage key in the run database is damaged");
  return std::optional(*digest);
}

}  // namespace stagebox::store
