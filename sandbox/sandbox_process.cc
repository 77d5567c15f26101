#include "sandbox/sandbox_process.h"

#include <unistd.h>

#include <cerrno>

#include "runtime/base/syscalls.h"

namespace stagebox::sandbox {

using base::Result;

Result<void> SandboxProcess::signal(int signal) const {
  const int result = base::sys::pidfd_send_signal(pidfd_.get(), signal);
  if (result < 0 && result != -ESRCH)
    return base::system_error("signal a process in a sandbox", -result);
  return {};
}

Result<child::ExitRecord> SandboxProcess::wait() {
  child::ExitRecord record{};
  ssize_t size = -1;
  do {
    size = ::read(exit_pipe_.get(), &record, sizeof(record));
  } while (size < 0 && errno == EINTR);
  if (size != sizeof(record)) return base::system_error("wait for a process in a sandbox", ECHILD);
  return record;
}

}  // namespace stagebox::sandbox
