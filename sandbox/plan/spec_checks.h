// What a SandboxSpec may say: everything that can be told without trying is refused here, by name.
// Pure.
#pragma once

#include "runtime/base/result.h"
#include "sandbox/kernel/kernel_features.h"
#include "sandbox/spec/sandbox_spec.h"

namespace stagebox::sandbox {

/// kInvalid for what makes no sense, kUnsupported for what cannot be had here.
base::Result<void> check_spec(const SandboxSpec& spec, const KernelFeatures& features);
base::Result<void> check_process(const ProcessSpec& process);
/// Refuses what a kernel would take for no limit at all.
base::Result<void> check_limits(const Limits& limits);

/// "net/ipv4/ip_default_ttl" for "net.ipv4.ip_default_ttl". kInvalid for a setting that does not
/// belong to a namespace that the sandbox has for itself.
base::Result<std::string> sysctl_path(const std::string& name, const Namespaces& namespaces);

}  // namespace stagebox::sandbox
