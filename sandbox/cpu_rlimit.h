// RLIMIT_CPU: the CPU time that each process may have (getrlimit(2)). The kernel ends who goes
// beyond with a signal and tells nobody why.
#pragma once

#include <optional>
#include <span>

#include "sandbox/exit_report.h"
#include "sandbox/spec/process_spec.h"

namespace stagebox::sandbox {

/// The one among `rlimits`, if there is one.
std::optional<Rlimit> cpu_rlimit(std::span<const Rlimit> rlimits);

/// For a command that ended badly by itself: it, or what its shell waited for, ended by the signal
/// of `limit`, and all processes together have used about as much as one may, or more. Anybody
/// inside can send the same signal, so it is no more than likely.
std::optional<LikelyLimit> likely_cpu_rlimit(const ExitReport& report, const Rlimit& limit);

}  // namespace stagebox::sandbox
