#include "runtime/logs/control_sequence.h"

#include <string_view>

namespace stagebox::logs {
namespace {

// Longer ones are text: else a stage could hide whatever follows.
constexpr std::size_t kLongest = 256;
constexpr std::size_t kLongestString = 1024;

bool is_between(std::uint8_t byte, std::uint8_t first, std::uint8_t last) {
  return byte >= first && byte <= last;
}

}  // namespace

ControlSequence::Step ControlSequence::take(std::uint8_t byte) {
  const bool in_a_string = kind_ == Kind::kString || kind_ == Kind::kStringEscape;
  if (byte == '\n' || ++length_ > (in_a_string ? kLongestString : kLongest)) return Step::kBroken;
  if (in_a_string) return in_string(byte);
  if (kind_ == Kind::kUnknown) return begin(byte);
  if (kind_ == Kind::kParameters && is_between(byte, 0x30, 0x3F)) return Step::kGoesOn;
  if (is_between(byte, 0x20, 0x2F)) {
    if (kind_ == Kind::kParameters) kind_ = Kind::kIntermediate;
    return Step::kGoesOn;
  }
  const std::uint8_t first_final = kind_ == Kind::kShort ? 0x30 : 0x40;
  return is_between(byte, first_final, 0x7E) ? Step::kEnds : Step::kBroken;
}

ControlSequence::Step ControlSequence::begin(std::uint8_t byte) {
  constexpr std::string_view kStrings = "]PX^_";
  const bool is_string = kStrings.find(static_cast<char>(byte)) != std::string_view::npos;
  if (is_string || byte == '[') {
    kind_ = is_string ? Kind::kString : Kind::kParameters;
    broken_length_ = 2;
    return Step::kGoesOn;
  }
  kind_ = Kind::kShort;
  if (is_between(byte, 0x20, 0x2F)) return Step::kGoesOn;
  return is_between(byte, 0x30, 0x7E) ? Step::kEnds : Step::kBroken;
}

ControlSequence::Step ControlSequence::in_string(std::uint8_t byte) {
  if (kind_ == Kind::kStringEscape) return byte == '\\' ? Step::kEnds : Step::kBroken;
  if (byte == kEscape) kind_ = Kind::kStringEscape;
  return byte == '\a' ? Step::kEnds : Step::kGoesOn;
}

}  // namespace stagebox::logs
