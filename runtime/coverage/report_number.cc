#include "runtime/coverage/report_number.h"

#include <charconv>
#include <cmath>

namespace stagebox::coverage {

std::optional<std::uint32_t> parse_count(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> parse_hits(std::string_view text) {
  double hits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hits);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(hits)) return std::nullopt;
  return hits > 0;
}

}  // namespace stagebox::coverage
