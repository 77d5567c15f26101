// Range: between which bounds a value may lie, and why.
#pragma once

#include <string_view>

namespace stagebox::scheduler {

template <typename T>
struct Range {
  T least;
  T most;
  std::string_view reason;  ///< Why these bounds; for the message.

  /// False for what is no number, too.
  [[nodiscard]] constexpr bool has(T value) const { return value >= least && value <= most; }
};

}  // namespace stagebox::scheduler
