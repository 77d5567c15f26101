// The limits that a stage asked for, as they are kept on record with it, for `shell`.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "sandbox/spec/limits.h"

namespace stagebox::run {

/// A JSON object: what is not set is not in it.
std::string limits_json(const sandbox::Limits& limits);
/// kCorrupt for anything that limits_json() does not make: a sandbox must not get more than what
/// was declared because a limit could not be read.
base::Result<sandbox::Limits> parse_limits_json(const std::string& text);

}  // namespace stagebox::run
