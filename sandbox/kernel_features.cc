#include "sandbox/kernel_features.h"

#include <linux/landlock.h>
#include <unistd.h>

#include "runtime/base/syscalls.h"

namespace stagebox::sandbox {
namespace {

KernelFeatures probe() {
  KernelFeatures features;
  const long abi =
      base::sys::call(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi > 0) features.landlock_abi = static_cast<int>(abi);
  features.time_namespace = ::access("/proc/self/ns/time", F_OK) == 0;
  return features;
}

}  // namespace

const KernelFeatures& KernelFeatures::probed() {
  static const KernelFeatures features = probe();
  return features;
}

}  // namespace stagebox::sandbox
