// A text that is a number, and all of it. Pure.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace stagebox::base {

/// As from_chars(3) reads it, in base 10, without white space or a plus; none for anything else,
/// and for what `Number` cannot hold.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace stagebox::base
