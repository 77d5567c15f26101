// CopyBounds: how much of a file may be copied, and for how long.
#pragma once

#include <cstdint>
#include <limits>
#include <stop_token>

#include "runtime/base/result.h"

namespace stagebox::store {

struct CopyBounds {
  std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max();
  std::stop_token stop = {};

  /// Of so many bytes in all: kInvalid when these are too many, kCancelled when it is stopped.
  [[nodiscard]] base::Result<void> check(std::uint64_t copied) const;
};

/// kCancelled when it is.
base::Result<void> check_not_stopped(const std::stop_token& stop);

}  // namespace stagebox::store
