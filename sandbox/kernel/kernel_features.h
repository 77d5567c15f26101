// KernelFeatures: what this kernel offers beyond what a sandbox cannot do without. Found out by
// trying, once; passed on as a value, so that a plan can be made, and tested, for any kernel.
#pragma once

#include "runtime/base/result.h"

namespace stagebox::sandbox {

struct KernelFeatures {
  int landlock_abi = 0;         ///< landlock(7), "Landlock ABI versions"; 0: none.
  bool time_namespace = false;  ///< time_namespaces(7), Linux 5.6.
  bool apparmor = false;        ///< Only with_security_modules() looks for these two.
  bool selinux = false;

  /// What the running kernel has.
  static const KernelFeatures& probed();
};

/// The same, and which security modules hold processes to something.
KernelFeatures with_security_modules(KernelFeatures features);

/// kUnsupported, naming the call and the kernel that brought it, when this one lacks a system call
/// that no sandbox can be made without.
base::Result<void> check_required_system_calls();

}  // namespace stagebox::sandbox
