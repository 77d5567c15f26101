#include "sandbox/mounts/mount_thread.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "runtime/base/start_thread.h"
#include "runtime/base/syscalls.h"

namespace stagebox::sandbox {
namespace {

using base::Result;

Result<void> enter() {
  if (::unshare(CLONE_NEWNS) != 0) return base::errno_error("make a mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return base::errno_error("make mounts private");
  return {};
}

}  // namespace

Result<void> in_own_mount_namespace(const std::function<Result<void>()>& work) {
  Result<void> done;
  std::thread thread = TRY(base::start_thread("start a thread", [&] {
    done = enter();
    if (done.ok()) done = work();
  }));
  thread.join();
  return done;
}

Result<void> attach_over_root(int mount) {
  const int attached = base::sys::move_mount(mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
  if (attached < 0) return base::system_error("attach a mount", -attached);
  return {};
}

}  // namespace stagebox::sandbox
