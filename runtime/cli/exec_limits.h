// The limits of `stagebox exec`, from the texts of its options.
#pragma once

#include <map>
#include <string>

#include "runtime/base/result.h"
#include "sandbox/limits.h"

namespace stagebox::cli {

/// By the names of `resources` in a pipeline file. kInvalid names the option and what is wrong.
base::Result<sandbox::Limits> parse_limits(const std::map<std::string, std::string>& texts);

}  // namespace stagebox::cli
