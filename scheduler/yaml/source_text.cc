#include "scheduler/yaml/source_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "runtime/base/utf8.h"

namespace stagebox::scheduler {
namespace {

std::string hex(const char* format, std::uint32_t value) {
  std::array<char, 16> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, value);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::string why_bad(std::uint32_t value, std::string_view rest) {
  if (value == '\r')
    return rest.starts_with("\r\n")
               ? ""
               : "found a carriage return without a line feed; save the file with Unix line ends";
  const bool control = (value < 0x20 && value != '\t' && value != '\n') ||
                       (value >= 0x7F && value <= 0x9F && value != 0x85);
  if (control || value == 0xFEFF || value == 0xFFFE || value == 0xFFFF)
    return "found the invisible character " + hex("U+%04X", value) +
           "; remove it, or write it as an escape in double quotes";
  if (value == 0x85 || value == 0x2028 || value == 0x2029)
    return "found " + hex("U+%04X", value) +
           ", which is a line end to some programs and not to others; write it as an escape in "
           "double quotes";
  return "";
}

}  // namespace

std::optional<BadCharacter> find_bad_character(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return BadCharacter{0, "the text is UTF-16; save it as UTF-8"};
  for (std::size_t offset = 0; offset < text.size();) {
    const auto byte = static_cast<unsigned char>(text[offset]);
    if ((byte >= 0x20 && byte < 0x7F) || byte == '\n') {
      ++offset;
      continue;
    }
    const std::string_view rest = text.substr(offset);
    const base::Utf8Character character = base::decode_utf8(rest);
    if (character.length == 0)
      return BadCharacter{offset, "the byte " + hex("0x%02X", static_cast<unsigned char>(rest[0])) +
                                      " is not UTF-8; save the file as UTF-8"};
    std::string why = why_bad(character.code, rest);
    if (!why.empty()) return BadCharacter{offset, std::move(why)};
    offset += character.length;
  }
  return std::nullopt;
}

std::size_t count_characters(std::string_view text) {
  return text.size() -
         static_cast<std::size_t>(std::ranges::count_if(text, base::continues_character));
}

SourceText::SourceText(std::string_view text) : text_(text), starts_{0} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts_.push_back(i + 1);
  }
}

std::string_view SourceText::line(std::size_t number) const {
  if (number == 0 || number > starts_.size()) return {};
  const std::size_t begin = starts_[number - 1];
  const std::size_t end = number < starts_.size() ? starts_[number] - 1 : text_.size();
  std::string_view line = text_.substr(begin, end - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Position SourceText::position_of(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto next = std::ranges::upper_bound(starts_, offset);
  const std::size_t begin = *std::prev(next);
  return {static_cast<std::size_t>(next - starts_.begin()),
          count_characters(text_.substr(begin, offset - begin)) + 1};
}

Position SourceText::clamp(Position position) const {
  const std::size_t number = std::clamp<std::size_t>(position.line, 1, lines());
  const std::size_t columns = count_characters(line(number)) + 1;
  return {number, std::clamp<std::size_t>(position.column, 1, columns)};
}

char SourceText::byte_at(Position position) const {
  std::size_t column = 0;
  for (const char c : line(position.line)) {
    if (!base::continues_character(c)) ++column;
    if (column == position.column) return c;
  }
  return 0;
}

}  // namespace stagebox::scheduler
