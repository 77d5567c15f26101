// Position: a place in a pipeline file, for messages. It is not an offset into the bytes.
#pragma once

#include <compare>
#include <cstddef>

namespace stagebox::scheduler {

/// Line and column count from 1; columns count characters, not bytes. The default, 0:0, means "no
/// place in the file" (a command-line option, say).
struct Position {
  std::size_t line = 0;
  std::size_t column = 0;

  [[nodiscard]] bool known() const { return line != 0; }
  auto operator<=>(const Position&) const = default;
};

}  // namespace stagebox::scheduler
