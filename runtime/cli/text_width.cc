#include "runtime/cli/text_width.h"

#include <algorithm>
#include <cstdint>

#include "runtime/base/utf8.h"

namespace stagebox::cli {
namespace {

constexpr char kEllipsis[] = "\xe2\x80\xa6";

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
/// What Unicode's East_Asian_Width calls wide or full-width, or is shown as a picture, in blocks.
constexpr Range kWide[] = {
    {0x1100, 0x115F},     // Hangul Jamo
    {0x231A, 0x23FF},     // watches, clocks, buttons
    {0x25FD, 0x27BF},     // symbols, dingbats
    {0x2B00, 0x2BFF},     // arrows, stars
    {0x2E3A, 0x2E3B},     // long dashes
    {0x2E80, 0xA4CF},     // CJK, Yi
    {0xA960, 0xA97F},     // Hangul Jamo Extended-A
    {0xAC00, 0xD7FF},     // Hangul
    {0xF900, 0xFAFF},     // CJK compatibility
    {0xFD00, 0xFDFF},     // Arabic ligatures
    {0xFE10, 0xFE6F},     // vertical and small forms
    {0xFF00, 0xFF60},     // full-width forms
    {0xFFE0, 0xFFE6},     // full-width signs
    {0x10000, 0x10FFFF},  // ideographs, pictures, and scripts that few terminals have
};

constexpr std::size_t kTab = 8;  // At the most.

std::size_t width_of(std::uint32_t code) {
  if (code == '\t') return kTab;
  const bool wide = std::ranges::any_of(
      kWide, [code](const Range& range) { return code >= range.first && code <= range.last; });
  return wide ? 2 : 1;
}

struct Character {
  std::size_t length;  ///< Bytes.
  std::size_t width;
};

// A byte that is not UTF-8 stands for itself, a sequence is seen as a colour.
Character first_of(std::string_view text) {
  if (text.front() == '\x1b') return {std::min(text.find('m'), text.size() - 1) + 1, 0};
  const auto found = base::decode_utf8(text);
  return found.length == 0 ? Character{1, 1} : Character{found.length, width_of(found.code)};
}

std::string cut_at(const std::string& text, std::size_t end) {
  const std::string kept = text.substr(0, end) + kEllipsis;
  return kept.find('\x1b') == std::string::npos ? kept : kept + "\x1b[0m";
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character next = first_of(text);
    columns += next.width;
    text.remove_prefix(next.length);
  }
  return columns;
}

std::string fit(const std::string& text, std::size_t columns) {
  std::size_t used = 0;
  std::size_t cut = 0;  // Where an ellipsis would still fit.
  for (std::size_t at = 0; at < text.size();) {
    const Character next = first_of(std::string_view(text).substr(at));
    if (used + next.width > columns) return columns == 0 ? "" : cut_at(text, cut);
    used += next.width;
    at += next.length;
    if (used < columns) cut = at;
  }
  return text;
}

}  // namespace stagebox::cli
