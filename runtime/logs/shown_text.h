// ShownText: what a stage wrote, made fit to be shown. What a stage writes can drive a terminal
// (its title, its clipboard, its cursor, its answers); nothing but colours gets through here.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::logs {

/// Escape sequences are left out, but for colours (ECMA-48 SGR) where they are wanted.
enum class Showing {
  kBytes,    ///< For files and pipes: all other bytes stay.
  kText,     ///< For terminals without colours: what is no text is shown as \xNN or \u{N}.
  kColours,  ///< For terminals: the same, and colours stay.
};

/// Of the lines of one stream, one after the other.
class ShownText {
 public:
  explicit ShownText(Showing showing) : showing_(showing) {}

  /// A line without its line break, or a piece of one. Colours end with it, and come back with the
  /// next.
  void append(std::string& out, std::string_view line);

 private:
  void sequence(std::string& out, std::string_view sequence);
  std::size_t character(std::string& out, std::string_view text) const;

  Showing showing_;
  bool is_on_ = false;  ///< There is a colour that was not reset.
  std::string active_;  ///< The colours at the end of the last line, as sequences.
};

/// A text without escape sequences, its other bytes as they are.
std::string without_sequences(std::string_view text);

}  // namespace stagebox::logs
