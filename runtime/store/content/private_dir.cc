#include "runtime/store/content/private_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/printable.h"

namespace stagebox::store {

using base::Result;
using base::UniqueFd;

Result<UniqueFd> open_private_dir(int parent_fd, const std::string& name) {
  const bool fresh = ::mkdirat(parent_fd, name.c_str(), 0700) == 0;
  if (!fresh && errno != EEXIST) {
    return base::errno_error("create " + base::printable(name) + " in the state directory");
  }
  UniqueFd fd(::openat(parent_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == ENOTDIR)
    return base::corrupt(base::printable(name) +
                         " in the state directory is no directory: move it away");
  if (!fd) return base::errno_error("open " + base::printable(name) + " in the state directory");
  if (fresh && ::fsync(parent_fd) != 0) return base::errno_error("sync the state directory");
  return fd;
}

}  // namespace stagebox::store
