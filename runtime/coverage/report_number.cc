#include "runtime/coverage/report_number.h"

#include <cmath>

#include "runtime/base/parse_number.h"

namespace stagebox::coverage {

std::optional<std::uint32_t> parse_count(std::string_view text) {
  return base::parse_number<std::uint32_t>(text);
}

std::optional<bool> parse_hits(std::string_view text) {
  const auto hits = base::parse_number<double>(text);
  if (!hits || !std::isfinite(*hits)) return std::nullopt;
  return *hits > 0;
}

}  // namespace stagebox::coverage
