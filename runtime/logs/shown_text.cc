#include "runtime/logs/shown_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "runtime/base/utf8.h"
#include "runtime/logs/control_sequence.h"

namespace stagebox::logs {
namespace {

constexpr char kEscape = static_cast<char>(ControlSequence::kEscape);
// Longer ones are no colours. Whoever sets more of them without a reset loses them at the line's
// end.
constexpr std::size_t kLongestColour = 64;
constexpr std::size_t kMostActive = 256;

// How long the sequence is that begins at the front, with an ESC; at least 1.
std::size_t sequence_length(std::string_view text) {
  ControlSequence sequence;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const auto step = sequence.take(static_cast<std::uint8_t>(text[i]));
    if (step == ControlSequence::Step::kEnds) return i + 1;
    if (step == ControlSequence::Step::kBroken) break;
  }
  return sequence.broken_length();
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
