// How programs write a text into others: into URLs, JSON, XML, shells, patterns, strings, and the
// commands that a CI system reads from a log. Each of them leaves other characters as they are, so
// a secret has many forms.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "runtime/base/locked_memory.h"

namespace stagebox::run {

inline constexpr std::string_view kLowerHex = "0123456789abcdef";
inline constexpr std::string_view kUpperHex = "0123456789ABCDEF";

/// Two digits for each byte.
struct HexStyle {
  std::string_view first;    ///< Before those of the first byte.
  std::string_view between;  ///< Before those of each other one.
};
/// As they are, as `od -tx1` and fingerprints write them, and as a C string or printf does.
inline constexpr std::array<HexStyle, 4> kHexStyles{
    {{"", ""}, {"", " "}, {"", ":"}, {"\\x", "\\x"}}};
/// As lists of numbers have them, and URLs in which each byte is escaped: up to six bytes for one.
inline constexpr std::array<HexStyle, 4> kLongHexStyles{
    {{"0x", ", 0x"}, {"0x", ",0x"}, {"0x", " 0x"}, {"%", "%"}}};

/// "%" and two digits in place of bytes.
struct PercentStyle {
  enum class Escaped { kAllBut, kOnly };
  Escaped escaped = Escaped::kAllBut;
  std::string_view characters;  ///< Beside letters and digits, which are never escaped.
  std::string_view space = {};  ///< In place of a space; empty: it is escaped as the others are.
};
inline constexpr std::array<PercentStyle, 11> kPercentStyles{{
    // RFC 3986, 2.1: Python's quote(safe=""), PHP's rawurlencode, curl; with "+" Python's
    // quote_plus and Go's QueryEscape.
    {PercentStyle::Escaped::kAllBut, "-._~"},
    {PercentStyle::Escaped::kAllBut, "-._~", "+"},
    // Python's quote.
    {PercentStyle::Escaped::kAllBut, "-._~/"},
    // JavaScript's encodeURIComponent and encodeURI.
    {PercentStyle::Escaped::kAllBut, "-._~!*'()"},
    {PercentStyle::Escaped::kAllBut, "-._~!*'();/?:@&=+$,#"},
    // Go: PathEscape, a path, a password before a host.
    {PercentStyle::Escaped::kAllBut, "-._~$&+=:@"},
    {PercentStyle::Escaped::kAllBut, "-._~$&+,/:;=@"},
    {PercentStyle::Escaped::kAllBut, "-._~$&+,;="},
    // Forms: URLSearchParams, Java's URLEncoder.
    {PercentStyle::Escaped::kAllBut, "-._*", "+"},
    // Workflow commands: their messages, and their properties.
    {PercentStyle::Escaped::kOnly, "%\r\n"},
    {PercentStyle::Escaped::kOnly, "%\r\n:,"},
}};

/// RFC 8259, 7.
struct JsonStyle {
  enum class Others { kAsTheyAre, kAsCodes };
  std::string_view slash = "/";
  std::string_view as_codes = {};  ///< Of ASCII, written "\u00XX", as are U+2028 and U+2029 then.
  Others others = Others::kAsTheyAre;  ///< What is not ASCII, and DEL.
};
inline constexpr std::array<JsonStyle, 14> kJsonStyles{{
    {},                                              // JavaScript, jq
    {"\\/"},                                         //
    {"/", "", JsonStyle::Others::kAsCodes},          // Python
    {"\\/", "", JsonStyle::Others::kAsCodes},        // PHP
    {"/", "<>&"},                                    // Go, Rails
    {"/", "<>&='"},                                  // Gson
    {"/", "<>&+'`\"", JsonStyle::Others::kAsCodes},  // .NET
    // For pages: Jinja and Flask, Django, PHP with JSON_HEX_TAG, _AMP and _APOS, Symfony (with
    // _QUOT too, and without escaped slashes), serialize-javascript.
    {"/", "<>&'", JsonStyle::Others::kAsCodes},
    {"/", "<>&", JsonStyle::Others::kAsCodes},
    {"\\/", "<>&'", JsonStyle::Others::kAsCodes},
    {"\\/", "<>&'\"", JsonStyle::Others::kAsCodes},
    {"/", "<>&'\"", JsonStyle::Others::kAsCodes},
    {"/", "<>&'\""},
    {"/", "<>/"},
}};

/// Which of the five that can be escaped are, and how, is up to who writes XML or HTML.
struct XmlStyle {
  std::string_view quote;
  std::string_view apostrophe;
};
inline constexpr std::array<std::string_view, 3> kXmlQuotes{"\"", "&quot;", "&#34;"};
/// "&#039;" is PHP's.
inline constexpr std::array<std::string_view, 5> kXmlApostrophes{"'", "&apos;", "&#39;", "&#x27;",
                                                                 "&#039;"};

/// All bytes but letters, digits and "_", up to this one.
template <int last>
inline constexpr auto kNoWordCharacters = [] {
  constexpr int kWordCharacters = 26 + 26 + 10 + 1;
  std::array<char, std::size_t{last} + 1 - kWordCharacters> characters{};
  std::size_t size = 0;
  for (int c = 0; c <= last; ++c) {
    const bool is_word =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!is_word) characters[size++] = static_cast<char>(c);
  }
  return characters;
}();

/// What shells write for a character within quotes, in `set -x`, `export -p` and `printf %q`, and
/// SQL; and what takes the meaning off a character in a word of a shell or in a pattern.
struct QuoteStyle {
  std::string_view escaped;            ///< Each of these
  std::string_view before;             ///< has this before it,
  std::string_view after;              ///< and this behind it.
  std::string_view first = {};         ///< So has one of these at the very beginning,
  std::string_view before_tilde = {};  ///< and a tilde behind one of these.
};
inline constexpr std::string_view kBashWord = " !\"$&'()*,;<>?[\\]^`{|}";
inline constexpr std::string_view kZshWord = " \"#$&'()*;<>?[\\]^`{|}";
inline constexpr std::array<QuoteStyle, 12> kQuoteStyles{{
    {"'", "'\\", "'"},     // bash, dash: '\''
    {"'", "'\"", "\"'"},   // busybox, Python's shlex: '"'"'
    {"'", "'", ""},        // SQL: ''
    {"\"\\$`", "\\", ""},  // "\$"
    // printf %q, of the secret alone and of a text that it stands in.
    {kBashWord, "\\", "", "#~", ":="},
    {kBashWord, "\\", "", "", ":="},
    {kZshWord, "\\", "", "=~"},
    {kZshWord, "\\", ""},
    // Patterns: Python's re.escape, Go's QuoteMeta and lodash, Perl's quotemeta of characters (and
    // re.escape before Python 3.7) and of bytes.
    {"()[]{}?*+-|^$\\.&~# \t\n\r\v\f", "\\", ""},
    {"\\.+*?()|[]{}^$", "\\", ""},
    {{kNoWordCharacters<0x7F>.data(), kNoWordCharacters<0x7F>.size()}, "\\", ""},
    {{kNoWordCharacters<0xFF>.data(), kNoWordCharacters<0xFF>.size()}, "\\", ""},
}};

/// A string of a programming language or of bash, $'...'. A backslash is always escaped.
struct StringStyle {
  enum class Codes { kOctal, kHex };
  enum class Others { kAsTheyAre, kAsCodes };
  std::string_view escaped;   ///< With a backslash before it.
  std::string_view controls;  ///< Written as a backslash and the letter
  std::string_view letters;   ///< in the same place here; the others as codes.
  Codes codes = Codes::kHex;
  Others others = Others::kAsTheyAre;  ///< The bytes of what is not ASCII.
};
inline constexpr std::string_view kBashControls = "\a\b\t\n\v\f\r\x1b";
inline constexpr std::string_view kBashLetters = "abtnvfrE";
inline constexpr std::array<StringStyle, 6> kStringStyles{{
    // bash: what has control characters, in a locale with UTF-8 and without.
    {"'", kBashControls, kBashLetters, StringStyle::Codes::kOctal},
    {"'", kBashControls, kBashLetters, StringStyle::Codes::kOctal, StringStyle::Others::kAsCodes},
    // Python's repr of a text and of bytes. An apostrophe is escaped where there are quotes as
    // well.
    {"'", "\t\n\r", "tnr"},
    {"", "\t\n\r", "tnr"},
    {"'", "\t\n\r", "tnr", StringStyle::Codes::kHex, StringStyle::Others::kAsCodes},
    {"", "\t\n\r", "tnr", StringStyle::Codes::kHex, StringStyle::Others::kAsCodes},
}};

/// Each appends `value` to `text`. `digits` are kLowerHex or kUpperHex.
void append_hex(base::LockedBytes& text, char c, std::string_view digits);
void append_bytes(base::LockedBytes& text, std::string_view value, const HexStyle& style,
                  std::string_view digits);
void append_percent(base::LockedBytes& text, std::string_view value, const PercentStyle& style,
                    std::string_view digits);
void append_json(base::LockedBytes& text, std::string_view value, const JsonStyle& style,
                 std::string_view digits);
void append_xml(base::LockedBytes& text, std::string_view value, const XmlStyle& style);
void append_quoted(base::LockedBytes& text, std::string_view value, const QuoteStyle& style);
void append_string(base::LockedBytes& text, std::string_view value, const StringStyle& style);

}  // namespace stagebox::run
