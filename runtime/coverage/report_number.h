// Numbers as coverage reports have them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace stagebox::coverage {

/// Decimal digits and nothing else; none for what is none or does not fit.
std::optional<std::uint32_t> parse_count(std::string_view text);

/// Whether something was executed, by how often it was. Tools that add up write "1e+06" too, and
/// gcov has been seen to write negative numbers: those are none. Nothing for what is no number.
std::optional<bool> parse_hits(std::string_view text);

}  // namespace stagebox::coverage
