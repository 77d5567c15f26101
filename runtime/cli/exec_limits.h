// The limits and capabilities of `stagebox exec`, from the texts of its options.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/spec/limits.h"
#include "sandbox/spec/process_spec.h"

namespace stagebox::cli {

/// By the names of `resources` in a pipeline file, within the same bounds. kInvalid names the
/// option and what is wrong.
base::Result<sandbox::Limits> parse_limits(const std::map<std::string, std::string>& texts);
/// Of wall or CPU time, as a duration above 0.
base::Result<std::chrono::milliseconds> parse_time_limit(const std::string& text);
/// Of each process: "stack=1048576", "nproc=100:200"; "unlimited" and -1 stand for no limit. They
/// replace those of `rlimits`. kInvalid and kUnsupported name the option and what is wrong; a limit
/// on open files cannot be given here and in `limits`.
base::Result<void> add_ulimits(const std::vector<std::string>& texts, const sandbox::Limits& limits,
                               std::vector<sandbox::Rlimit>& rlimits);
/// A bit set of capabilities(7). kInvalid for a name that is none.
base::Result<std::uint64_t> parse_capabilities(const std::vector<std::string>& names);

}  // namespace stagebox::cli
