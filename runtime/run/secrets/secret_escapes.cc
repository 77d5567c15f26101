#include "runtime/run/secrets/secret_escapes.h"

#include <cstddef>
#include <cstdint>

#include "runtime/base/utf8.h"

namespace stagebox::run {
namespace {

using base::LockedBytes;

constexpr std::uint32_t kDelete = 0x7F;

std::uint8_t byte_of(char c) { return static_cast<std::uint8_t>(c); }

bool contains(std::string_view text, char c) { return text.find(c) != std::string_view::npos; }

void append(LockedBytes& text, std::string_view more) {
  text.insert(text.end(), more.begin(), more.end());
}

bool is_escaped(char c, const PercentStyle& style) {
  const bool is_listed = contains(style.characters, c);
  if (style.escaped == PercentStyle::Escaped::kOnly) return is_listed;
  const bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  return !is_plain && !is_listed;
}

void append_code_unit(LockedBytes& text, std::uint32_t unit, std::string_view digits) {
  append(text, "\\u");
  append_hex(text, static_cast<char>(unit >> 8U), digits);
  append_hex(text, static_cast<char>(unit & 0xFFU), digits);
}

// As UTF-16.
void append_code(LockedBytes& text, std::uint32_t code, std::string_view digits) {
  if (code <= 0xFFFF) return append_code_unit(text, code, digits);
  code -= 0x10000;
  append_code_unit(text, 0xD800 + (code >> 10U), digits);
  append_code_unit(text, 0xDC00 + (code & 0x3FFU), digits);
}

void append_json_ascii(LockedBytes& text, char c, const JsonStyle& style, std::string_view digits) {
  static constexpr std::string_view kControls = "\b\f\n\r\t";
  static constexpr std::string_view kLetters = "bfnrt";
  const std::size_t known = kControls.find(c);
  if (known != std::string_view::npos) {
    text.push_back('\\');
    text.push_back(kLetters[known]);
  } else if (byte_of(c) < 0x20 || contains(style.as_codes, c)) {
    append_code_unit(text, byte_of(c), digits);
  } else if (c == '/') {
    append(text, style.slash);
  } else {
    if (c == '"' || c == '\\') text.push_back('\\');
    text.push_back(c);
  }
}

void append_byte_code(LockedBytes& text, char c, StringStyle::Codes codes) {
  text.push_back('\\');
  if (codes == StringStyle::Codes::kHex) {
    text.push_back('x');
    return append_hex(text, c, kLowerHex);
  }
  const unsigned byte = byte_of(c);
  for (const unsigned shift : {6U, 3U, 0U})
    text.push_back(static_cast<char>('0' + (byte >> shift & 7U)));
}

bool is_code(std::uint32_t code, const JsonStyle& style) {
  if (style.others == JsonStyle::Others::kAsCodes) return true;
  return !style.as_codes.empty() && (code == 0x2028 || code == 0x2029);
}

}  // namespace

void append_hex(LockedBytes& text, char c, std::string_view digits) {
  text.push_back(digits[byte_of(c) >> 4U]);
  text.push_back(digits[byte_of(c) & 0xFU]);
}

void append_bytes(LockedBytes& text, std::string_view value, const HexStyle& style,
                  std::string_view digits) {
  std::string_view before = style.first;
  for (const char c : value) {
    append(text, before);
    append_hex(text, c, digits);
    before = style.between;
  }
}

void append_percent(LockedBytes& text, std::string_view value, const PercentStyle& style,
                    std::string_view digits) {
  for (const char c : value) {
    if (c == ' ' && !style.space.empty()) {
      append(text, style.space);
    } else if (is_escaped(c, style)) {
      text.push_back('%');
      append_hex(text, c, digits);
    } else {
      text.push_back(c);
    }
  }
}

void append_json(LockedBytes& text, std::string_view value, const JsonStyle& style,
                 std::string_view digits) {
  while (!value.empty()) {
    const base::Utf8Character character = base::decode_utf8(value);
    const std::size_t length = character.length == 0 ? 1 : character.length;
    if (character.length == 1 && character.code < kDelete)
      append_json_ascii(text, value.front(), style, digits);
    else if (character.length != 0 && is_code(character.code, style))
      append_code(text, character.code, digits);
    else
      append(text, value.substr(0, length));
    value.remove_prefix(length);
  }
}

void append_quoted(LockedBytes& text, std::string_view value, const QuoteStyle& style) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool is_escaped = contains(style.escaped, c) || (i == 0 && contains(style.first, c)) ||
                            (i > 0 && c == '~' && contains(style.before_tilde, value[i - 1]));
    if (is_escaped) append(text, style.before);
    text.push_back(c);
    if (is_escaped) append(text, style.after);
  }
}

void append_string(LockedBytes& text, std::string_view value, const StringStyle& style) {
  for (const char c : value) {
    const std::size_t known = style.controls.find(c);
    const bool is_code = byte_of(c) < 0x20 || byte_of(c) == kDelete ||
                         (byte_of(c) > kDelete && style.others == StringStyle::Others::kAsCodes);
    if (known != std::string_view::npos) {
      text.push_back('\\');
      text.push_back(style.letters[known]);
    } else if (is_code) {
      append_byte_code(text, c, style.codes);
    } else {
      if (c == '\\' || contains(style.escaped, c)) text.push_back('\\');
      text.push_back(c);
    }
  }
}

void append_xml(LockedBytes& text, std::string_view value, const XmlStyle& style) {
  for (const char c : value) {
    switch (c) {
      case '&':
        append(text, "&amp;");
        break;
      case '<':
        append(text, "&lt;");
        break;
      case '>':
        append(text, "&gt;");
        break;
      case '"':
        append(text, style.quote);
        break;
      case '\'':
        append(text, style.apostrophe);
        break;
      default:
        text.push_back(c);
    }
  }
}

}  // namespace stagebox::run
