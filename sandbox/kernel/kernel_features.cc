#include "sandbox/kernel/kernel_features.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox {
namespace {

// A namespace that can be opened and says that it is one of clocks. To make one would need
// privileges, and move us.
bool has_time_namespaces() {
  const base::UniqueFd own(::open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC));
  return own.valid() && ::ioctl(own.get(), NS_GET_NSTYPE) == CLONE_NEWTIME;
}

KernelFeatures probe() {
  KernelFeatures features;
  const long abi =
      base::sys::call(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi > 0) features.landlock_abi = static_cast<int>(abi);
  features.time_namespace = has_time_namespaces();
  return features;
}

}  // namespace

// Each is called with arguments that no kernel accepts.
base::Result<void> check_required_system_calls() {
  struct Required {
    const char* name;
    long number;
    const char* kernel;
  };
  static constexpr Required kRequired[] = {{"pidfd_send_signal", SYS_pidfd_send_signal, "5.1"},
                                           {"open_tree", SYS_open_tree, "5.2"},
                                           {"move_mount", SYS_move_mount, "5.2"},
                                           {"fsopen", SYS_fsopen, "5.2"},
                                           {"fsconfig", SYS_fsconfig, "5.2"},
                                           {"fsmount", SYS_fsmount, "5.2"},
                                           {"clone3", SYS_clone3, "5.3"},
                                           {"pidfd_open", SYS_pidfd_open, "5.3"},
                                           {"openat2", SYS_openat2, "5.6"},
                                           {"close_range", SYS_close_range, "5.9"},
                                           {"mount_setattr", SYS_mount_setattr, "5.12"}};
  for (const Required& call : kRequired) {
    constexpr unsigned long kNone = ~0UL;
    if (base::sys::call(call.number, kNone, 0UL, kNone, 0UL, 0UL, 0UL) != -ENOSYS) continue;
    return base::unsupported(std::string("this kernel has no ") + call.name +
                             "(2), which came with Linux " + call.kernel +
                             "; sandboxes need Linux 5.12 or newer, and no filter around Stagebox "
                             "that hides the call");
  }
  return {};
}

KernelFeatures with_security_modules(KernelFeatures features) {
  const auto enabled = base::read_file("/sys/module/apparmor/parameters/enabled", 16);
  features.apparmor = enabled.ok() && enabled->starts_with('Y');
  features.selinux = ::access("/sys/fs/selinux/enforce", F_OK) == 0;
  return features;
}

const KernelFeatures& KernelFeatures::probed() {
  static const KernelFeatures features = probe();
  return features;
}

}  // namespace stagebox::sandbox
