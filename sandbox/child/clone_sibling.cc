#include "sandbox/child/clone_sibling.h"

#include <linux/mman.h>
#include <sched.h>
#include <unistd.h>

#include <cstdint>

#include "runtime/base/syscalls.h"

namespace stagebox::sandbox::child {

long clone_sibling(const SiblingTeller& tell, struct clone_args& args) {
  const long left_out = base::sys::call(SYS_madvise, tell.pid, sizeof(*tell.pid), MADV_DONTFORK);
  if (left_out < 0) return left_out;
  args.flags |= CLONE_PARENT | CLONE_PARENT_SETTID;
  args.parent_tid = reinterpret_cast<std::uintptr_t>(tell.pid);
  const long pid = base::sys::clone3(&args);
  if (pid == 0) ::close(tell.answer_fd);
  return pid;
}

}  // namespace stagebox::sandbox::child
