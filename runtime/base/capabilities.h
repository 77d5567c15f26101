// Names of capabilities (capabilities(7)) and bit sets of them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace stagebox::base {

/// The bit of "CAP_CHOWN" or "CHOWN", in any case of letters; nothing for a name that is none.
std::optional<std::uint64_t> capability_bit(std::string_view name);

/// "CAP_CHOWN", ...
std::set<std::string> capability_names(std::uint64_t bits);

/// "CAP_CHOWN,CAP_KILL": those names with commas between.
std::string capabilities_text(std::uint64_t bits);
/// The bits of such a text; nothing for anything else.
std::optional<std::uint64_t> parse_capabilities_text(std::string_view text);

/// With which a sandbox could change, or pass by, the routes that keep its interface from what is
/// not public.
std::uint64_t route_capabilities();

/// What a container of Docker has by default (moby, daemon/pkg/oci/caps).
std::uint64_t docker_capabilities();

}  // namespace stagebox::base
