// UTF-8, decoded strictly (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). What a
// character means, and whether it may be shown, is decided by the callers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stagebox::base {

struct Utf8Character {
  std::uint32_t code = 0;
  std::size_t length = 0;  ///< In bytes, 1 to 4; 0: the bytes at the front are not UTF-8.
};

/// The character at the front of a text that is not empty.
Utf8Character decode_utf8(std::string_view text);

/// Whether it is of a character that began before it.
constexpr bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// At most so many bytes of UTF-8, from the beginning, never a part of a character.
std::string cut_end(std::string_view text, std::size_t limit);

}  // namespace stagebox::base
