#include "runtime/run/secrets/secret_patterns.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace stagebox::run {
namespace {

using base::LockedBytes;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kLowerHex = "0123456789abcdef";
constexpr std::string_view kUpperHex = "0123456789ABCDEF";

std::uint8_t byte_of(char c) { return static_cast<std::uint8_t>(c); }

void append(LockedBytes& text, std::string_view more) {
  text.insert(text.end(), more.begin(), more.end());
}

void append_hex(LockedBytes& text, char c, std::string_view digits) {
  text.push_back(digits[byte_of(c) >> 4U]);
  text.push_back(digits[byte_of(c) & 0xFU]);
}

// The characters of base64 whose six bits are all the value's, when `skipped` bytes stand before.
LockedBytes base64(std::string_view value, std::size_t skipped, std::string_view alphabet) {
  LockedBytes text;
  text.reserve(value.size() * 2);
  const std::size_t first = (8 * skipped + 5) / 6;
  const std::size_t end = 8 * (skipped + value.size()) / 6;
  for (std::size_t i = first; i < end; ++i) {
    unsigned digit = 0;
    for (std::size_t bit = 6 * i - 8 * skipped; bit < 6 * (i + 1) - 8 * skipped; ++bit)
      digit = digit << 1U | (unsigned{byte_of(value[bit / 8])} >> (7 - bit % 8) & 1U);
    text.push_back(alphabet[digit]);
  }
  return text;
}

LockedBytes hex(std::string_view value, std::string_view digits) {
  LockedBytes text;
  text.reserve(value.size() * 2);
  for (const char c : value) append_hex(text, c, digits);
  return text;
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// RFC 3986, 2.1; in forms a space is "+".
LockedBytes url(std::string_view value, std::string_view digits, std::string_view space) {
  LockedBytes text;
  text.reserve(value.size() * 3);
  for (const char c : value) {
    if (c == ' ' && !space.empty()) {
      append(text, space);
    } else if (is_unreserved(c)) {
      text.push_back(c);
    } else {
      text.push_back('%');
      append_hex(text, c, digits);
    }
  }
  return text;
}

// RFC 8259, 7; a slash may be escaped or not.
LockedBytes json(std::string_view value, std::string_view digits, std::string_view slash) {
  static constexpr std::string_view kControls = "\b\f\n\r\t";
  static constexpr std::string_view kLetters = "bfnrt";
  LockedBytes text;
  text.reserve(value.size() * 6);
  for (const char c : value) {
    const std::size_t known = kControls.find(c);
    if (known != std::string_view::npos) {
      text.push_back('\\');
      text.push_back(kLetters[known]);
    } else if (byte_of(c) < 0x20) {
      append(text, "\\u00");
      append_hex(text, c, digits);
    } else if (c == '/') {
      append(text, slash);
    } else {
      if (c == '"' || c == '\\') text.push_back('\\');
      text.push_back(c);
    }
  }
  return text;
}

// Which of the five that can be escaped are, and how, is up to who writes XML or HTML.
struct XmlStyle {
  std::string_view quote;
  std::string_view apostrophe;
};
constexpr std::array<XmlStyle, 5> kXmlStyles{
    {{"\"", "'"}, {"&quot;", "'"}, {"&quot;", "&apos;"}, {"&quot;", "&#x27;"}, {"&#34;", "&#39;"}}};

LockedBytes xml(std::string_view value, const XmlStyle& style) {
  LockedBytes text;
  text.reserve(value.size() * 6);
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
  return text;
}

LockedBytes without_line_breaks(std::string_view value) {
  LockedBytes text;
  text.reserve(value.size());
  std::ranges::copy_if(value, std::back_inserter(text),
                       [](char c) { return c != '\n' && c != '\r'; });
  return text;
}

void add_forms(std::string_view value, std::vector<LockedBytes>& patterns) {
  patterns.push_back(without_line_breaks(value));
  for (const std::string_view alphabet : {kBase64, kBase64Url}) {
    for (std::size_t skipped = 0; skipped < 3; ++skipped)
      patterns.push_back(base64(value, skipped, alphabet));
  }
  for (const XmlStyle& style : kXmlStyles) {
    const LockedBytes xml_text = xml(value, style);
    patterns.push_back(without_line_breaks({xml_text.data(), xml_text.size()}));
  }
  for (const std::string_view digits : {kLowerHex, kUpperHex}) {
    patterns.push_back(hex(value, digits));
    patterns.push_back(url(value, digits, ""));
    patterns.push_back(url(value, digits, "+"));
    patterns.push_back(json(value, digits, "/"));
    patterns.push_back(json(value, digits, "\\/"));
  }
}

}  // namespace

std::vector<LockedBytes> secret_patterns(std::string_view value) {
  // As editors and `echo` write files; a program that reads a token drops it.
  while (value.ends_with('\n') || value.ends_with('\r')) value.remove_suffix(1);
  std::vector<LockedBytes> patterns;
  add_forms(value, patterns);
  for (std::string_view rest = value;
       value.find('\n') != std::string_view::npos && !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() >= kShortestPattern) add_forms(line, patterns);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::erase_if(patterns, [](const LockedBytes& text) { return text.size() < kShortestPattern; });
  std::ranges::sort(patterns);
  const auto twice = std::ranges::unique(patterns);
  patterns.erase(twice.begin(), twice.end());
  return patterns;
}

}  // namespace stagebox::run
