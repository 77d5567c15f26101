#include "runtime/run/secrets/secret_patterns.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "runtime/run/secrets/secret_escapes.h"

namespace stagebox::run {
namespace {

using base::LockedBytes;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

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

// Patterns of one text, each once. What is written is gathered in one place: locked memory is got
// by the page.
class Forms {
 public:
  template <typename Write>
  void add(Write write) {
    text_.clear();
    write(text_);
    std::erase_if(text_, [](char c) { return c == '\n' || c == '\r'; });
    if (text_.size() < kShortestPattern || std::ranges::find(list_, text_) != list_.end()) return;
    list_.emplace_back(text_.begin(), text_.end());
  }
  [[nodiscard]] std::vector<LockedBytes> take() { return std::move(list_); }

 private:
  LockedBytes text_;
  std::vector<LockedBytes> list_;
};

void add_hex_forms(std::string_view value, std::string_view digits, Forms& forms) {
  // As they are, as `od -tx1` and fingerprints write them, and as a C string or printf does.
  for (const std::string_view before : {"", " ", ":", "\\x"}) {
    forms.add([&](LockedBytes& text) {
      for (const char c : value) {
        const bool first = text.empty() && before.size() == 1;
        if (!first) text.insert(text.end(), before.begin(), before.end());
        append_hex(text, c, digits);
      }
    });
  }
  for (const PercentStyle& style : kPercentStyles)
    forms.add([&](LockedBytes& text) { append_percent(text, value, style, digits); });
  for (const JsonStyle& style : kJsonStyles)
    forms.add([&](LockedBytes& text) { append_json(text, value, style, digits); });
}

void add_patterns(std::string_view value, std::vector<LockedBytes>& patterns) {
  Forms forms;
  forms.add([&](LockedBytes& text) { text.assign(value.begin(), value.end()); });
  for (const std::string_view alphabet : {kBase64, kBase64Url}) {
    for (std::size_t skipped = 0; skipped < 3; ++skipped)
      forms.add([&](LockedBytes& text) { append_base64(text, value, skipped, alphabet); });
  }
  // Host names are shown in lower case.
  forms.add([&](LockedBytes& text) {
    for (const char c : value) text.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  });
  for (const QuoteStyle& style : kQuoteStyles)
    forms.add([&](LockedBytes& text) { append_quoted(text, value, style); });
  for (const XmlStyle& style : kXmlStyles)
    forms.add([&](LockedBytes& text) { append_xml(text, value, style); });
  for (const std::string_view digits : {kLowerHex, kUpperHex}) add_hex_forms(value, digits, forms);
  std::ranges::move(forms.take(), std::back_inserter(patterns));
}

// Not what only gives a text its shape: the braces of JSON, a rule of dashes.
bool is_looked_for(std::string_view line) {
  const auto speaks = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           static_cast<std::uint8_t>(c) >= 0x80;
  };
  return std::ranges::count_if(line, speaks) >= static_cast<std::ptrdiff_t>(kShortestPattern);
}

}  // namespace

std::vector<LockedBytes> secret_patterns(std::string_view value) {
  // As editors and `echo` write files; a program that reads a token drops it.
  while (value.ends_with('\n') || value.ends_with('\r')) value.remove_suffix(1);
  std::vector<LockedBytes> patterns;
  add_patterns(value, patterns);
  for (std::string_view rest = value;
       value.find('\n') != std::string_view::npos && !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (is_looked_for(line)) add_patterns(line, patterns);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::ranges::sort(patterns);
  const auto twice = std::ranges::unique(patterns);
  patterns.erase(twice.begin(), twice.end());
  return patterns;
}

}  // namespace stagebox::run
