// Position: a place in a pipeline file, for messages. It is not an offset into the bytes.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace stagebox::scheduler {

/// Line and column count from 1; columns count characters, not bytes. The default, 0:0, means "no
/// place in the file" (a command-line option, say).
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  constexpr Position() = default;
  /// Files are bounded (YamlLimits), so both fit; each value of a file has one of these.
  constexpr Position(std::size_t a_line, std::size_t a_column)
      : line(static_cast<std::uint32_t>(a_line)), column(static_cast<std::uint32_t>(a_column)) {}
  [[nodiscard]] bool known() const { return line != 0; }
  auto operator<=>(const Position&) const = default;
};

}  // namespace stagebox::scheduler
