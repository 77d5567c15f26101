// The system call filter that stages run under: by default an allow-list, or what an OCI profile
// says instead; always for the native architecture only. This is the only place that touches
// libseccomp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/seccomp/seccomp_rules.h"
#include "sandbox/spec/seccomp_program.h"

namespace stagebox::sandbox {

/// Calls that are not on the list fail with EPERM; clone3 fails with ENOSYS, so that libc falls
/// back to clone, whose flags a filter can see.
SeccompRules default_seccomp_rules();

/// The names on the allow-list, without those allowed for some arguments only.
const std::vector<std::string_view>& allowed_syscalls();

/// The program for this machine. Whatever the rules say, calls of another architecture (i386, x32)
/// kill the process, and where the default is an error, calls that are newer than libseccomp and
/// that no rule names fail with ENOSYS, so that programs fall back. Names of other architectures'
/// calls mean nothing here; one that neither libseccomp nor newer_syscalls.h knows is skipped,
/// except where it is to be denied and the default would let it through: kInvalid. With kReported,
/// a SyscallObserver is asked about every call that the rules answer with an error; they must then
/// allow sendmsg. What kills or traps does so still. kInvalid for rules that cannot be compiled.
base::Result<std::shared_ptr<const SeccompProgram>> compile_seccomp(const SeccompRules& rules,
                                                                    DeniedCalls denied);

/// compile_seccomp(default_seccomp_rules(), kAnswered).
base::Result<std::shared_ptr<const SeccompProgram>> compile_default_policy();

/// "mount" for SYS_mount; "number 999" for one that nobody knows.
std::string syscall_name(int number);

/// Which libseccomp compiles: programs of another one are not the same.
std::string seccomp_compiler_version();

}  // namespace stagebox::sandbox
