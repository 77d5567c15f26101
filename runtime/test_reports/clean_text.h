// Text of test runners made fit to be kept and shown: valid UTF-8, without what drives a terminal,
// and no longer than it may be. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stagebox::test_reports {

/// U+FFFD, for what cannot be kept.
inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// Bytes that are not UTF-8, control characters but line breaks and tabs, and what no XML document
/// may contain become U+FFFD; a carriage return before a line break and the escape sequences that
/// colour a terminal's text go away.
std::string clean_text(std::string_view bytes);

/// Whether XML 1.0 allows this character, and it is no control character that clean_text() removes.
bool is_clean(std::uint32_t code);

/// Nothing but white space.
bool is_blank(std::string_view text);
/// Without white space around it; line breaks and tabs in it become spaces.
std::string one_line(std::string_view text);
/// The first line that is more than white space, trimmed.
std::string first_line(std::string_view text);

/// A text of any length of which at most `limit` bytes are kept: the beginning and the end, with a
/// note between them of how much is missing.
class BoundedText {
 public:
  explicit BoundedText(std::size_t limit) : limit_(limit) {}
  void append(std::string_view text);
  [[nodiscard]] bool empty() const { return head_.empty(); }
  [[nodiscard]] std::string str() const;
  void clear();

 private:
  /// For the note.
  static constexpr std::size_t kNote = 64;
  [[nodiscard]] std::size_t half() const { return (limit_ - kNote) / 2; }

  std::size_t limit_;
  std::string head_;
  std::string tail_;  ///< At most twice what is kept of it.
  std::size_t dropped_ = 0;
};

}  // namespace stagebox::test_reports
