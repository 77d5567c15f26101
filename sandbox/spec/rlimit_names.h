// Names of resource limits of processes (getrlimit(2)).
#pragma once

#include <optional>
#include <string_view>

namespace stagebox::sandbox {

/// RLIMIT_NOFILE for "NOFILE" or "nofile"; nothing for a name that is none.
std::optional<int> rlimit_by_name(std::string_view name);

}  // namespace stagebox::sandbox
