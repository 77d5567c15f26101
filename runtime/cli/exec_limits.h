// The limits and capabilities of `stagebox exec`, from the texts of its options.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/limits.h"

namespace stagebox::cli {

/// By the names of `resources` in a pipeline file. kInvalid names the option and what is wrong.
base::Result<sandbox::Limits> parse_limits(const std::map<std::string, std::string>& texts);
/// A bit set of capabilities(7). kInvalid for a name that is none.
base::Result<std::uint64_t> parse_capabilities(const std::vector<std::string>& names);

}  // namespace stagebox::cli
