// Names of capabilities (capabilities(7)) and bit sets of them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace stagebox::sandbox {

/// The bit of "CAP_CHOWN" or "CHOWN", in any case of letters; nothing for a name that is none.
std::optional<std::uint64_t> capability_bit(std::string_view name);

/// "CAP_CHOWN", ...
std::set<std::string> capability_names(std::uint64_t bits);

}  // namespace stagebox::sandbox
