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

base::Error not_written(const std::string& path) {
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
    TRY(lost_);
    std::swap(paths, paths_);
  }
  auto synced = sync_all(paths);
  if (!synced.ok()) add_all(paths);
  return synced;
}

Result<void> UnsyncedFiles::sync_all(const UnsyncedNames& paths) {
  if (paths.are_many()) {
    if (::syncfs(dir_fd_) == 0) return {};
    return keep_loss(base::errno_error("write the state directory to the disk"));
  }
  for (const std::string& path : paths.names()) TRY(sync_one(path));
  return {};
}

Result<void> UnsyncedFiles::sync_one(const std::string& path) {
  const UniqueFd fd(
      ::openat(dir_fd_, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};
  if (!fd) return not_written(path);
  return ::fsync(fd.get()) == 0 ? Result<void>() : keep_loss(not_written(path));
}

// The kernel tells of it once: the next fsync(2) would succeed without what could not be written.
Result<void> UnsyncedFiles::keep_loss(base::Error error) {
  const std::lock_guard guard(mutex_);
  if (lost_.ok()) lost_ = std::move(error);
  return lost_;
}

}  // namespace stagebox::store
