#include "sandbox/mounts/mount_thread.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <system_error>
#include <thread>

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
  try {
    std::jthread([&] {
      done = enter();
      if (done.ok()) done = work();
    }).join();
  } catch (const std::system_error& error) {
    return base::system_error("start a thread", error.code().value());
  }
  return done;
}

Result<void> attach_over_root(int mount) {
  const int attached = base::sys::move_mount(mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
  if (attached < 0) return base::system_error("attach a mount", -attached);
  return {};
}

}  // namespace stagebox::sandbox
