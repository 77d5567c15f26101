// Reading and writing the small files of a cgroup's directory, and others of the kernel's like
// them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::sandbox {

/// access(2) with the effective ids; `mode` as there.
bool is_accessible(const std::string& path, int mode);
/// Everything in the file; nothing when it cannot be read.
std::string read_or_empty(const std::string& path);
/// Nothing when it is not there. For what decides whether limits are enforced: a file that could
/// not be read for want of a descriptor must not look like a machine without cgroups.
base::Result<std::string> read_if_there(const std::string& path);
/// The error names the file and the value.
base::Result<void> write_value(const std::string& dir, const std::string& file,
                               const std::string& value);
/// Gives a v1 cpuset the processors and memory nodes of `from`, its parent: a new one has none, and
/// without both no task can join (cpusets.rst).
base::Result<void> take_over_cpuset(const std::string& dir, const std::string& from);
/// The number at the start; 0 when there is none, as in "max".
std::uint64_t parse_number(std::string_view text);
/// The value of a line "key value" (cgroup-v2.rst, "Flat keyed"); 0 without one.
std::uint64_t keyed_value(const std::string& content, std::string_view key);

}  // namespace stagebox::sandbox
