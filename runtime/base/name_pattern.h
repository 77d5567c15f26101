// One component of a pattern against one name: `*`, `?`, classes and backslashes, as in
// gitignore(5). What patterns of several components and lists of them mean is path_patterns.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace stagebox::base {

/// Nothing when `pattern` can be matched; else what is wrong with it, to go after the pattern in a
/// message.
std::optional<std::string_view> name_pattern_mistake(std::string_view pattern);

/// Where the first component of a pattern of paths ends: at a slash, or a slash with a backslash,
/// that is in no class; or with the pattern, also when there is a mistake in the component.
std::size_t name_pattern_end(std::string_view path_pattern);

/// Only for patterns without a mistake. In time of the product of the lengths, at most.
bool name_matches(std::string_view pattern, std::string_view name);

}  // namespace stagebox::base
