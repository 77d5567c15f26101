// nearest_name: what a person probably meant by a name that does not exist. For messages only;
// nothing is ever decided by it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stagebox::scheduler {

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; anything
/// above `limit` is reported as `limit` + 1. Lower and upper case are the same.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

/// The candidate closest to `name`, the first of equals, or nothing when none is close. Looks at no
/// more than 2000 candidates and at no name over 64 bytes, so that a hostile file costs little.
std::optional<std::string> nearest_name(std::string_view name,
                                        std::span<const std::string_view> candidates);

/// "did you mean `x`?"; else "known are `a`, `b`" when there are at most eight; else "".
std::string name_hint(std::string_view name, std::span<const std::string_view> candidates);

/// Views of the keys of a map.
template <typename Map>
std::vector<std::string_view> names_of(const Map& map) {
  std::vector<std::string_view> names;
  names.reserve(map.size());
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

}  // namespace stagebox::scheduler
