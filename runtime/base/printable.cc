#include "runtime/base/printable.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "runtime/base/utf8.h"

namespace stagebox::base {
namespace {

void append_escaped(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<std::uint8_t>(c);
  out += "\\x";
  out += kHex[byte >> 4U];
  out += kHex[byte & 15U];
}

/// C0 and C1 controls, DEL, the quote and the backslash.
bool needs_escape(std::string_view character) {
  const auto byte = static_cast<std::uint8_t>(character.front());
  if (character.size() == 1) return byte < 0x20 || byte == 0x7F || byte == '"' || byte == '\\';
  return byte == 0xC2 && static_cast<std::uint8_t>(character[1]) < 0xA0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (;;) {
    // Most texts are nothing but ASCII.
    const auto* const other =
        std::ranges::find_if(text, [](char c) { return static_cast<std::uint8_t>(c) >= 0x80; });
    text.remove_prefix(static_cast<std::size_t>(other - text.begin()));
    if (text.empty()) return true;
    const std::size_t length = decode_utf8(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
}

std::string printable(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = decode_utf8(text).length;
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || needs_escape(character)) {
      for (const char c : character) append_escaped(out, c);
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  return out + "\"";
}

}  // namespace stagebox::base
