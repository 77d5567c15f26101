#include "runtime/logs/shown_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "runtime/base/utf8.h"

namespace stagebox::logs {
namespace {

constexpr char kEscape = '\x1b';
// Longer ones are no colours. Whoever sets more of them without a reset loses them at the line's
// end.
constexpr std::size_t kLongestColour = 64;
constexpr std::size_t kMostActive = 256;

bool is_between(char c, char first, char last) { return c >= first && c <= last; }

// ESC [ parameters, intermediates, a final byte (ECMA-48, 5.4).
std::size_t control_sequence(std::string_view text) {
  std::size_t end = 2;
  while (end < text.size() && is_between(text[end], '\x30', '\x3f')) ++end;
  while (end < text.size() && is_between(text[end], '\x20', '\x2f')) ++end;
  return end < text.size() && is_between(text[end], '\x40', '\x7e') ? end + 1 : 2;
}

// ESC ], P, X, ^ or _ and a string up to ESC \ or BEL. Without an end only its beginning goes: else
// a stage could hide whatever follows.
std::size_t control_string(std::string_view text) {
  for (std::size_t i = 2; i < text.size(); ++i) {
    if (text[i] == '\a') return i + 1;
    if (text[i] == kEscape) return i + 1 < text.size() && text[i + 1] == '\\' ? i + 2 : 2;
  }
  return 2;
}

// How long the sequence is that begins at the front, with an ESC; at least 1.
std::size_t sequence_length(std::string_view text) {
  if (text.size() < 2) return 1;
  const char kind = text[1];
  if (kind == '[') return control_sequence(text);
  if (std::string_view("]PX^_").find(kind) != std::string_view::npos) return control_string(text);
  std::size_t end = 1;
  while (end < text.size() && is_between(text[end], '\x20', '\x2f')) ++end;
  return end < text.size() && is_between(text[end], '\x30', '\x7e') ? end + 1 : 1;
}

bool is_colour(std::string_view sequence) {
  if (sequence.size() < 3 || sequence.size() > kLongestColour) return false;
  if (!sequence.starts_with("\x1b[") || !sequence.ends_with('m')) return false;
  return sequence.substr(2, sequence.size() - 3).find_first_not_of("0123456789;:") ==
         std::string_view::npos;
}

bool is_reset(std::string_view colour) { return colour == "\x1b[m" || colour == "\x1b[0m"; }

// C0 but the tab, DEL, C1, and what changes the direction of text.
bool is_control(std::uint32_t code) {
  return (code < 0x20 && code != '\t') || (code >= 0x7f && code < 0xa0) || code == 0x061c ||
         code == 0x200e || code == 0x200f || code == 0x2028 || code == 0x2029 ||
         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void append_code(std::string& out, const char* format, std::uint32_t code) {
  std::array<char, 16> buffer{};
  (void)std::snprintf(buffer.data(), buffer.size(), format, code);
  out += buffer.data();
}

}  // namespace

void ShownText::append(std::string& out, std::string_view line) {
  out += active_;
  is_on_ = !active_.empty();
  while (!line.empty()) {
    // Most lines have nothing to look at twice.
    const auto* const plain = std::ranges::find_if(line, [this](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return c == kEscape || (showing_ != Showing::kBytes && (byte < 0x20 || byte >= 0x7f));
    });
    const auto count = static_cast<std::size_t>(plain - line.begin());
    out += line.substr(0, count);
    line.remove_prefix(count);
    if (line.empty()) break;
    if (line.front() == kEscape) {
      const std::size_t length = sequence_length(line);
      sequence(out, line.substr(0, length));
      line.remove_prefix(length);
    } else {
      line.remove_prefix(character(out, line));
    }
  }
  if (is_on_) out += "\x1b[0m";
}

void ShownText::sequence(std::string& out, std::string_view sequence) {
  if (showing_ != Showing::kColours || !is_colour(sequence)) return;
  out += sequence;
  is_on_ = !is_reset(sequence);
  if (!is_on_ || active_.size() + sequence.size() > kMostActive)
    active_.clear();
  else
    active_ += sequence;
}

// Shows one; returns how many bytes it was.
std::size_t ShownText::character(std::string& out, std::string_view text) const {
  const base::Utf8Character found = base::decode_utf8(text);
  if (found.length == 0) {
    append_code(out, "\\x%02x", static_cast<unsigned char>(text.front()));
    return 1;
  }
  if (!is_control(found.code))
    out += text.substr(0, found.length);
  else if (found.code < 0x80)
    append_code(out, "\\x%02x", found.code);
  else
    append_code(out, "\\u{%x}", found.code);
  return found.length;
}

std::string without_sequences(std::string_view text) {
  std::string out;
  ShownText(Showing::kBytes).append(out, text);
  return out;
}

}  // namespace stagebox::logs
