// The forms in which a secret is looked for: as it is, line by line, and as common encodings write
// it. Line breaks are left out of all of them, because who looks for them skips line breaks.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/base/locked_memory.h"

namespace stagebox::run {

/// Nothing shorter is looked for: it would be found everywhere.
inline constexpr std::size_t kShortestPattern = 4;
/// What is shorter may stand somewhere for another reason.
inline constexpr std::size_t kShortestTelling = 16;

/// Texts to be looked for, all in one piece of locked memory, which is got by the page.
class SecretPatterns {
 public:
  using Text = std::span<const char>;

  /// The forms of `value`, without line breaks at its end, and of each of its lines that has so
  /// many letters and digits: itself; in lower case; base64 and base64url at each of the three
  /// alignments, without the characters that other bytes have a part in; hexadecimal in both cases,
  /// also with a space, a colon or \x before each byte, and of a value of up to 512 bytes with "0x"
  /// or "%"; escaped as secret_escapes.h says.
  void add_value(std::string_view value);
  /// What of it can be nothing else, for refusing what has nothing to do with secrets: the whole
  /// and each line that is_telling(), as they are and in base64.
  void add_telling(std::string_view value);
  /// This text, if it is long enough.
  void add_text(Text text);

  [[nodiscard]] std::size_t size() const { return pieces_.size(); }
  /// Valid until something is added.
  [[nodiscard]] Text operator[](std::size_t index) const;
  /// Of the shortest one; 0: there is none.
  [[nodiscard]] std::size_t shortest() const;
  /// All of them in rising order, each once.
  [[nodiscard]] std::vector<Text> sorted() const;

 private:
  struct Piece {
    std::size_t begin;
    std::size_t size;
  };
  template <typename Write>
  void add_form(Write write);
  void add_forms(std::string_view value);
  void add_base64_forms(std::string_view value);
  void add_plain_forms(std::string_view value);
  void add_hex_forms(std::string_view value, std::string_view digits);
  void add_long_hex_forms(std::string_view value);

  base::LockedBytes bytes_;
  std::vector<Piece> pieces_;
  base::LockedBytes form_;  // The one that is being written.
  std::size_t first_ = 0;   // Of the forms of one text.
};

/// How many bytes of it are looked for, whatever it is cut into: without line breaks.
std::size_t size_looked_for(std::string_view value);
/// As editors and `echo` write files; a program that reads a token drops it.
std::string_view without_last_breaks(std::string_view value);
/// Long and without a space: "-----BEGIN PRIVATE KEY-----" and "apiVersion: v1" are in many a file.
bool is_telling(std::string_view line);

/// Of one value alone.
SecretPatterns secret_patterns(std::string_view value);

}  // namespace stagebox::run
