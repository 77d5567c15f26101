#include "runtime/run/secrets/secret_patterns.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "runtime/run/secrets/secret_escapes.h"

namespace stagebox::run {
namespace {

using base::LockedBytes;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Values that get kLongHexStyles, in bytes: what is longer is a key, which nobody writes so in one
// piece, and all forms are in locked memory.
constexpr std::size_t kLongestWithLongForms = 512;

// The characters of base64 whose six bits are all the value's, when `skipped` bytes stand before.
void append_base64(LockedBytes& text, std::string_view value, std::size_t skipped,
                   std::string_view alphabet) {
  const std::size_t first = (8 * skipped + 5) / 6;
  const std::size_t end = 8 * (skipped + value.size()) / 6;
  for (std::size_t i = first; i < end; ++i) {
    unsigned digit = 0;
    for (std::size_t bit = 6 * i - 8 * skipped; bit < 6 * (i + 1) - 8 * skipped; ++bit)
      digit =
          digit << 1U | (unsigned{static_cast<std::uint8_t>(value[bit / 8])} >> (7 - bit % 8) & 1U);
    text.push_back(alphabet[digit]);
  }
}

// Not what only gives a text its shape: the braces of JSON, a rule of dashes.
std::size_t count_speaking(std::string_view line) {
  const auto speaks = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           static_cast<std::uint8_t>(c) >= 0x80;
  };
  return static_cast<std::size_t>(std::ranges::count_if(line, speaks));
}

std::vector<std::string_view> lines_of(std::string_view value) {
  std::vector<std::string_view> lines;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find('\n'), value.size());
    std::string_view line = value.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return lines;
}

}  // namespace

std::size_t size_looked_for(std::string_view value) {
  return static_cast<std::size_t>(
      std::ranges::count_if(value, [](char c) { return c != '\n' && c != '\r'; }));
}

std::string_view without_last_breaks(std::string_view value) {
  while (value.ends_with('\n') || value.ends_with('\r')) value.remove_suffix(1);
  return value;
}

SecretPatterns::Text SecretPatterns::operator[](std::size_t index) const {
  return Text(bytes_).subspan(pieces_[index].begin, pieces_[index].size);
}

std::size_t SecretPatterns::shortest() const {
  return pieces_.empty() ? 0 : std::ranges::min(pieces_, {}, &Piece::size).size;
}

std::vector<SecretPatterns::Text> SecretPatterns::sorted() const {
  std::vector<Text> texts;
  texts.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) texts.push_back((*this)[i]);
  const auto less = [](Text a, Text b) { return std::ranges::lexicographical_compare(a, b); };
  const auto equal = [](Text a, Text b) { return std::ranges::equal(a, b); };
  std::ranges::sort(texts, less);
  const auto twice = std::ranges::unique(texts, equal);
  texts.erase(twice.begin(), twice.end());
  return texts;
}

void SecretPatterns::add_text(Text text) {
  if (text.size() < kShortestPattern) return;
  for (std::size_t i = first_; i < size(); ++i) {
    if (std::ranges::equal((*this)[i], text)) return;
  }
  pieces_.push_back({bytes_.size(), text.size()});
  bytes_.insert(bytes_.end(), text.begin(), text.end());
}

template <typename Write>
void SecretPatterns::add_form(Write write) {
  form_.clear();
  write(form_);
  std::erase_if(form_, [](char c) { return c == '\n' || c == '\r'; });
  add_text(form_);
}

void SecretPatterns::add_hex_forms(std::string_view value, std::string_view digits) {
  for (const HexStyle& style : kHexStyles)
    add_form([&](LockedBytes& text) { append_bytes(text, value, style, digits); });
  for (const PercentStyle& style : kPercentStyles)
    add_form([&](LockedBytes& text) { append_percent(text, value, style, digits); });
  for (const JsonStyle& style : kJsonStyles)
    add_form([&](LockedBytes& text) { append_json(text, value, style, digits); });
}

void SecretPatterns::add_base64_forms(std::string_view value) {
  for (const std::string_view alphabet : {kBase64, kBase64Url}) {
    for (std::size_t skipped = 0; skipped < 3; ++skipped)
      add_form([&](LockedBytes& text) { append_base64(text, value, skipped, alphabet); });
  }
}

void SecretPatterns::add_forms(std::string_view value) {
  first_ = size();
  add_form([&](LockedBytes& text) { text.assign(value.begin(), value.end()); });
  add_base64_forms(value);
  // Host names are shown in lower case.
  add_form([&](LockedBytes& text) {
    for (const char c : value) text.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  });
  for (const QuoteStyle& style : kQuoteStyles)
    add_form([&](LockedBytes& text) { append_quoted(text, value, style); });
  for (const StringStyle& style : kStringStyles)
    add_form([&](LockedBytes& text) { append_string(text, value, style); });
  for (const std::string_view quote : kXmlQuotes) {
    for (const std::string_view apostrophe : kXmlApostrophes)
      add_form([&](LockedBytes& text) { append_xml(text, value, {quote, apostrophe}); });
  }
  for (const std::string_view digits : {kLowerHex, kUpperHex}) add_hex_forms(value, digits);
}

bool is_telling(std::string_view line) {
  return line.size() >= kShortestTelling && line.find_first_of(" \t") == std::string_view::npos;
}

void SecretPatterns::add_plain_forms(std::string_view value) {
  first_ = size();
  add_form([&](LockedBytes& text) { text.assign(value.begin(), value.end()); });
  add_base64_forms(value);
}

void SecretPatterns::add_telling(std::string_view value) {
  value = without_last_breaks(value);
  if (value.size() < kShortestTelling) return;
  const std::vector<std::string_view> lines = lines_of(value);
  if (lines.size() == 1 || std::ranges::none_of(lines, is_telling)) return add_plain_forms(value);
  for (const std::string_view line : lines) {
    if (is_telling(line)) add_plain_forms(line);
  }
  // As it is it has such a line.
  first_ = size();
  add_base64_forms(value);
}

void SecretPatterns::add_value(std::string_view value) {
  value = without_last_breaks(value);
  const std::vector<std::string_view> lines = lines_of(value);
  const auto is_looked_for = [](std::string_view line) {
    return count_speaking(line) >= kShortestPattern;
  };
  if (lines.size() > 1) {
    for (const std::string_view line : lines) {
      if (is_looked_for(line)) add_forms(line);
    }
  }
  // Where each line is looked for that says anything, all forms of the whole consist of theirs, but
  // for base64: it has characters of which two lines have a part.
  const bool lines_do = lines.size() > 1 && std::ranges::all_of(lines, [&](std::string_view line) {
                          return is_looked_for(line) || count_speaking(line) == 0;
                        });
  if (!lines_do) {
    add_forms(value);
    return add_long_hex_forms(value);
  }
  first_ = size();
  add_base64_forms(value);
}

void SecretPatterns::add_long_hex_forms(std::string_view value) {
  if (value.size() > kLongestWithLongForms) return;
  for (const std::string_view digits : {kLowerHex, kUpperHex}) {
    for (const HexStyle& style : kLongHexStyles)
      add_form([&](LockedBytes& text) { append_bytes(text, value, style, digits); });
  }
}

SecretPatterns secret_patterns(std::string_view value) {
  SecretPatterns patterns;
  patterns.add_value(value);
  return patterns;
}

}  // namespace stagebox::run
