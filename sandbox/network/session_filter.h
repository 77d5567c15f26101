// The system calls that are left to the process that serves one sandbox's connections: what a
// resolver and a relay of bytes need. Whoever takes it over by what it reads has no program to
// execute, no process to trace and no file to make.
#pragma once

#include "sandbox/seccomp/seccomp_rules.h"

namespace stagebox::sandbox::network {

/// All others fail with EPERM.
SeccompRules session_rules();

}  // namespace stagebox::sandbox::network
