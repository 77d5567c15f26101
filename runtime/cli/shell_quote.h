// Text as a word of a shell's command line.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::cli {

/// In single quotes, for any of sh, bash, zsh and fish; a quote within becomes '\''.
inline std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// The same, without quotes where none are needed.
inline std::string shell_word(const std::string& word) {
  static constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  const bool plain = !word.empty() && word.find_first_not_of(kPlain) == std::string::npos;
  return plain ? word : shell_quoted(word);
}

}  // namespace stagebox::cli
