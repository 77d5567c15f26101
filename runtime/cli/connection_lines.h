// What `show` says of what an attempt connected to. The log of it is not trusted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stagebox::cli {

inline constexpr std::size_t kMostConnectionLines = 20;

/// Lines for a terminal, each with `indent` before it; connections with the same end share one.
/// First what was not made, which is what people look for, then what was; each in the order of the
/// log. The last line says how many are not shown. Empty: there is nothing in the log.
std::string connection_lines(std::string_view log, std::string_view indent);

}  // namespace stagebox::cli
