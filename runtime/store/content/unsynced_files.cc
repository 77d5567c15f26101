#include "runtime/store/content/unsynced_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "runtime/base/unique_fd.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

Result<void> sync_one(int dir_fd, const std::string& path) {
  const UniqueFd fd(::openat(dir_fd, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};
  if (fd && ::fsync(fd.get()) == 0) return {};
  return base::errno_error("write \"" + path + "\" of the state directory to the disk");
}

}  // namespace

void UnsyncedFiles::add(std::string path) {
  const std::lock_guard guard(mutex_);
  paths_.add(std::move(path));
}

void UnsyncedFiles::add_all(const UnsyncedNames& paths) {
  const std::lock_guard guard(mutex_);
  paths_.add_all(paths);
}

Result<void> UnsyncedFiles::sync() {
  UnsyncedNames paths;
  {
    const std::lock_guard guard(mutex_);
    std::swap(paths, paths_);
  }
  if (paths.are_many()) {
    if (::syncfs(dir_fd_) == 0) return {};
    return base::errno_error("write the state directory to the disk");
  }
  for (const std::string& path : paths.names()) TRY(sync_one(dir_fd_, path));
  return {};
}

}  // namespace stagebox::store
