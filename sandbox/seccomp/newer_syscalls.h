// Newer system calls: the numbers of those that came into the kernel after the oldest libseccomp
// that we build with, so that a filter can name them all the same. Not a table of all calls: what
// libseccomp knows is asked of libseccomp (seccomp_policy.h).
#pragma once

#include <optional>
#include <string_view>

namespace stagebox::sandbox {

/// The number on this architecture; none for a name that is not in the table, which goes up to
/// Linux 6.18.
std::optional<int> newer_syscall_number(std::string_view name);

/// The other way round; empty for a number that is not in the table.
std::string_view newer_syscall_name(int number);

}  // namespace stagebox::sandbox
