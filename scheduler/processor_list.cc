#include "scheduler/processor_list.h"

#include <charconv>
#include <system_error>

namespace stagebox::scheduler {
namespace {

/// Far more than any machine has.
constexpr unsigned kMostProcessors = 100'000;

// The number at the front, which is taken away.
std::optional<unsigned> take_number(std::string_view& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number >= kMostProcessors) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

std::optional<std::set<unsigned>> parse_processor_list(std::string_view text) {
  std::set<unsigned> processors;
  for (;;) {
    const auto first = take_number(text);
    if (!first) return std::nullopt;
    auto last = first;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      last = take_number(text);
      if (!last || *last < *first) return std::nullopt;
    }
    for (unsigned number = *first; number <= *last; ++number) processors.insert(number);
    if (text.empty()) return processors;
    if (!text.starts_with(',')) return std::nullopt;
    text.remove_prefix(1);
  }
}

}  // namespace stagebox::scheduler
