#include "sandbox/spec/number_list.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "runtime/base/parse_number.h"

namespace stagebox::sandbox {
namespace {

std::optional<std::pair<std::size_t, std::size_t>> parse_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = base::parse_number<std::size_t>(text.substr(0, dash));
  const auto last = dash == std::string_view::npos
                        ? first
                        : base::parse_number<std::size_t>(text.substr(dash + 1));
  if (!first || !last || *first > *last || *last >= kMaxListed) return std::nullopt;
  return std::pair{*first, *last};
}

}  // namespace

base::Result<NumberMask> parse_number_list(std::string_view text) {
  NumberMask mask{};
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto range = parse_range(text.substr(begin, end - begin));
    if (!range)
      return base::invalid("\"" + std::string(text) + "\" is not a list such as \"0-3,7\"");
    for (std::size_t number = range->first; number <= range->second; ++number)
      mask.at(number / 64) |= std::uint64_t{1} << (number % 64);
    begin = end + 1;
  }
  return mask;
}

}  // namespace stagebox::sandbox
