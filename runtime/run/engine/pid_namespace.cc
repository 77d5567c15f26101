#include "runtime/run/engine/pid_namespace.h"

#include <sys/stat.h>

namespace stagebox::run {

std::optional<FileId> own_pid_namespace() {
  struct stat status{};
  if (::stat("/proc/self/ns/pid", &status) != 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

}  // namespace stagebox::run
