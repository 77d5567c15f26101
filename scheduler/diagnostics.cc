#include "scheduler/diagnostics.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <utility>

#include "runtime/base/utf8.h"

namespace stagebox::scheduler {
namespace {

constexpr std::size_t kMaxQuoted = 80;

// Cuts at a character's border.
std::string shortened(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  return base::cut_end(text, limit) + "...";
}

std::uint32_t byte(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

// A character that must not reach a terminal, and its length in bytes; 0 for all others. Two and
// three byte sequences are enough: C1 controls and the direction marks of U+200E to U+2069.
std::pair<std::uint32_t, std::size_t> forbidden(std::string_view text) {
  const std::uint32_t first = byte(text, 0);
  if (first < 0x20 || first == 0x7F) return {first, 1};
  if (first == 0xC2 && byte(text, 1) < 0xA0) return {byte(text, 1), 2};
  if (first != 0xE2) return {0, 0};
  const std::uint32_t value = 0x2000U | ((byte(text, 1) & 0x3FU) << 6U) | (byte(text, 2) & 0x3FU);
  const bool directs = value == 0x200E || value == 0x200F || (value >= 0x2028 && value <= 0x202E) ||
                       (value >= 0x2066 && value <= 0x2069);
  return directs ? std::pair<std::uint32_t, std::size_t>{value, 3}
                 : std::pair<std::uint32_t, std::size_t>{0, 0};
}

}  // namespace

std::string escape_controls(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto [value, length] = forbidden(text);
    const std::size_t whole = base::decode_utf8(text).length;
    std::array<char, 16> buffer{};
    if (whole == 0) {
      // A terminal may take such a byte for a control of eight bits.
      std::snprintf(buffer.data(), buffer.size(), "\\x%02x", byte(text, 0));
      result += buffer.data();
      text.remove_prefix(1);
      continue;
    }
    if (length == 0) {
      result += text.substr(0, whole);
      text.remove_prefix(whole);
      continue;
    }
    std::snprintf(buffer.data(), buffer.size(), "\\u{%x}", value);
    result += value == '\n' ? "\\n" : buffer.data();
    text.remove_prefix(std::min(length, text.size()));
  }
  return result;
}

std::string backquoted(std::string_view text) {
  return "`" + escape_controls(shortened(text, kMaxQuoted)) + "`";
}

Diagnostics::Diagnostics(std::string_view file_name) : file_name_(escape_controls(file_name)) {}

void Diagnostics::add(Position position, std::string_view message, std::string_view hint) {
  if (full()) {
    ++dropped_;
    return;
  }
  Diagnostic item{position, escape_controls(shortened(message, kMaxText)),
                  escape_controls(shortened(hint, kMaxText))};
  if (said_.emplace(position, item.message).second) items_.push_back(std::move(item));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  // By place, then as they were found.
  std::multimap<Position, const Diagnostic*> by_position;
  for (const Diagnostic& item : items_) by_position.emplace(item.position, &item);
  std::vector<Diagnostic> items;
  items.reserve(items_.size());
  for (const auto& [position, item] : by_position) items.push_back(*item);
  return items;
}

std::string Diagnostics::render() const {
  std::string text;
  for (const Diagnostic& item : sorted()) {
    text += file_name_ + ":";
    if (item.position.known())
      text += std::to_string(item.position.line) + ":" + std::to_string(item.position.column) + ":";
    text += " " + item.message + (item.hint.empty() ? "" : "; " + item.hint) + "\n";
  }
  if (dropped_ > 0) text += file_name_ + ": and " + std::to_string(dropped_) + " more mistakes\n";
  return text;
}

}  // namespace stagebox::scheduler
