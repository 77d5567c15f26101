#include "runtime/test_reports/xml_repair.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "runtime/test_reports/clean_text.h"

namespace stagebox::test_reports {
namespace {

using base::Result;

constexpr std::array<std::string_view, 5> kSingleByte{"iso-8859-1", "iso8859-1", "latin-1",
                                                      "latin1", "windows-1252"};

// In lower case; empty where the declaration names none.
std::string declared_encoding(std::string_view document) {
  if (!document.starts_with("<?xml")) return {};
  const std::string_view declaration = document.substr(0, document.find("?>"));
  const std::size_t key = declaration.find("encoding");
  if (key == std::string_view::npos) return {};
  const std::size_t open = declaration.find_first_of("\"'", key);
  if (open == std::string_view::npos) return {};
  std::string_view name = declaration.substr(open + 1);
  name = name.substr(0, name.find(declaration[open]));
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// What windows-1252 has where ISO 8859-1 has controls (https://encoding.spec.whatwg.org, index
// windows-1252); 0: the same. Documents that say ISO 8859-1 and have such bytes mean these.
constexpr std::array<std::uint16_t, 32> kWindows1252{
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    text.push_back(static_cast<char>(0xC0U | code >> 6U));
    text.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
  } else {
    text.push_back(static_cast<char>(0xE0U | code >> 12U));
    text.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3FU)));
    text.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
  }
}

std::string from_single_bytes(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 8);
  for (const char c : bytes) {
    std::uint32_t code = static_cast<unsigned char>(c);
    if (code >= 0x80 && code < 0xA0 && kWindows1252.at(code - 0x80) != 0)
      code = kWindows1252.at(code - 0x80);
    append_utf8(text, code);
  }
  return text;
}

// The length of "&#...;" at the front when it names a character that may not be there; else 0.
std::size_t forbidden_reference(std::string_view text) {
  constexpr std::size_t kLongest = 32;
  text = text.substr(0, kLongest);
  const std::size_t end = text.find(';');
  if (end == std::string_view::npos) return 0;
  std::string_view digits = text.substr(2, end - 2);
  const bool hexadecimal = digits.starts_with('x');
  if (hexadecimal) digits.remove_prefix(1);
  std::uint32_t code = 0;
  const auto [parsed, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, hexadecimal ? 16 : 10);
  if (parsed != digits.data() + digits.size() || digits.empty())
    return 0;  // expat says what is wrong with it
  const bool forbidden = error != std::errc() || (!is_clean(code) && code != '\r');
  return forbidden ? end + 1 : 0;
}

std::string without_forbidden_references(std::string text) {
  std::size_t found = text.find("&#");
  if (found == std::string::npos) return text;
  std::string repaired;
  repaired.reserve(text.size());
  std::size_t from = 0;
  for (; found != std::string::npos; found = text.find("&#", found + 2)) {
    const std::size_t length = forbidden_reference(std::string_view(text).substr(found));
    if (length == 0) continue;
    repaired.append(text, from, found - from).append(kReplacement);
    from = found + length;
  }
  return repaired.append(text, from);
}

}  // namespace

Result<std::string> repaired_xml(std::string_view document) {
  for (const std::string_view mark : {"\xff\xfe", "\xfe\xff"}) {
    if (document.starts_with(mark))
      return base::invalid("it is written in UTF-16; have it written in UTF-8");
  }
  if (document.starts_with("\xef\xbb\xbf")) document.remove_prefix(3);
  const std::string encoding = declared_encoding(document);
  const bool single = std::ranges::find(kSingleByte, encoding) != kSingleByte.end();
  const std::string decoded = single ? from_single_bytes(document) : std::string();
  return without_forbidden_references(clean_text(single ? decoded : document));
}

}  // namespace stagebox::test_reports
