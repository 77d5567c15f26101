// SourceText: the bytes of a pipeline file as lines of characters, and the check that they are
// characters at all. It knows nothing of YAML; it makes sure that what a person sees in an editor
// and what the YAML library reads have the same lines and columns.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/position.h"

namespace stagebox::scheduler {

struct BadCharacter {
  std::size_t offset = 0;  ///< In bytes.
  std::string message;
};

/// The first thing in `text` that is not a printable UTF-8 character, tab or line end. The line
/// separators that only some programs count as line ends (NEL, LS, PS, a lone CR) are refused too.
std::optional<BadCharacter> find_bad_character(std::string_view text);
/// The number of characters in valid UTF-8.
std::size_t count_characters(std::string_view text);

/// Does not own the bytes. The text must be valid UTF-8, except for position_of().
class SourceText {
 public:
  explicit SourceText(std::string_view text);

  /// At least 1; a final line end opens one more, empty line.
  [[nodiscard]] std::size_t lines() const { return starts_.size(); }
  /// Without its line end; `number` counts from 1. Empty for a line that does not exist.
  [[nodiscard]] std::string_view line(std::size_t number) const;
  [[nodiscard]] Position position_of(std::size_t offset) const;
  /// The nearest position that lies inside the text (or just behind a line's last character).
  [[nodiscard]] Position clamp(Position position) const;
  /// The byte at a position, or 0 when there is none.
  [[nodiscard]] char byte_at(Position position) const;

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;
};

}  // namespace stagebox::scheduler
