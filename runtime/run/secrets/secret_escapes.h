// How programs write a text into others: into URLs, JSON, XML, and the commands that a CI system
// reads from a log. Each of them leaves other characters as they are, so a secret has many forms.
#pragma once

#include <array>
#include <string_view>

#include "runtime/base/locked_memory.h"

namespace stagebox::run {

inline constexpr std::string_view kLowerHex = "0123456789abcdef";
inline constexpr std::string_view kUpperHex = "0123456789ABCDEF";

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
inline constexpr std::array<JsonStyle, 7> kJsonStyles{{
    {},                                              // JavaScript, jq
    {"\\/"},                                         //
    {"/", "", JsonStyle::Others::kAsCodes},          // Python
    {"\\/", "", JsonStyle::Others::kAsCodes},        // PHP
    {"/", "<>&"},                                    // Go
    {"/", "<>&='"},                                  // Gson
    {"/", "<>&+'`\"", JsonStyle::Others::kAsCodes},  // .NET
}};

/// Which of the five that can be escaped are, and how, is up to who writes XML or HTML.
struct XmlStyle {
  std::string_view quote;
  std::string_view apostrophe;
};
inline constexpr std::array<XmlStyle, 5> kXmlStyles{
    {{"\"", "'"}, {"&quot;", "'"}, {"&quot;", "&apos;"}, {"&quot;", "&#x27;"}, {"&#34;", "&#39;"}}};

/// What shells write for a character within quotes, in `set -x`, `export -p` and `printf %q`, and
/// SQL.
struct QuoteStyle {
  std::string_view escaped;  ///< Each of these
  std::string_view before;   ///< has this before it,
  std::string_view after;    ///< and this behind it.
};
inline constexpr std::array<QuoteStyle, 4> kQuoteStyles{{
    {"'", "'\\", "'"},     // bash, dash: '\''
    {"'", "'\"", "\"'"},   // busybox, Python's shlex: '"'"'
    {"'", "'", ""},        // SQL: ''
    {"\"\\$`", "\\", ""},  // "\$"
}};

/// Each appends `value` to `text`. `digits` are kLowerHex or kUpperHex.
void append_hex(base::LockedBytes& text, char c, std::string_view digits);
void append_percent(base::LockedBytes& text, std::string_view value, const PercentStyle& style,
                    std::string_view digits);
void append_json(base::LockedBytes& text, std::string_view value, const JsonStyle& style,
                 std::string_view digits);
void append_xml(base::LockedBytes& text, std::string_view value, const XmlStyle& style);
void append_quoted(base::LockedBytes& text, std::string_view value, const QuoteStyle& style);

}  // namespace stagebox::run
