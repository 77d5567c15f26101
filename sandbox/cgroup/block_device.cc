#include "sandbox/cgroup/block_device.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runtime/base/files.h"

namespace stagebox::sandbox {

base::Result<std::string> disk_of(int dir_fd) {
  const struct stat status = TRY(base::stat_fd(dir_fd));
  std::string device =
      std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev));
  const std::string node = "/sys/dev/block/" + device;
  if (::access(node.c_str(), F_OK) != 0) {
    return base::unsupported(
        "io_read and io_write cannot be enforced: the state directory is not on one disk (device " +
        device + "); put it on ext4 or xfs with STAGEBOX_HOME, or remove the limits");
  }
  if (::access((node + "/partition").c_str(), F_OK) != 0) return device;
  // The node of a partition is a directory in that of its disk.
  std::string disk = TRY(base::read_file(node + "/../dev", 64));
  if (disk.ends_with('\n')) disk.pop_back();
  return disk;
}

}  // namespace stagebox::sandbox
