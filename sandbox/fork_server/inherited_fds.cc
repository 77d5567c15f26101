#include "sandbox/fork_server/inherited_fds.h"

#include <fcntl.h>

#include "runtime/base/syscalls.h"

namespace stagebox::sandbox {
namespace sys = base::sys;

void keep_only(int fd) {
  const auto kept = static_cast<unsigned>(fd);
  if (kept > 0) (void)sys::close_range(0, kept - 1, 0);
  (void)sys::close_range(kept + 1, ~0U, 0);
  for (int standard = 0; standard < 3 && standard != fd; ++standard)
    (void)::open("/dev/null", O_RDWR);
}

}  // namespace stagebox::sandbox
