// The system call filter that stages run under: an allow-list for the native architecture. It is
// compiled once per process and shared by all sandboxes. This is the only place that touches
// libseccomp.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/seccomp_program.h"

namespace stagebox::sandbox {

/// Calls that are not on the list fail with EPERM; clone3 fails with ENOSYS, so that libc falls
/// back to clone, whose flags a filter can see; calls of another architecture (i386, x32) kill the
/// process.
base::Result<std::shared_ptr<const SeccompProgram>> compile_default_policy();

/// The names on the allow-list, without those allowed for some arguments only.
const std::vector<std::string_view>& allowed_syscalls();

}  // namespace stagebox::sandbox
