#include "runtime/base/dir_stack.h"

#include <fcntl.h>

#include <utility>

#include "runtime/base/files.h"

namespace stagebox::base {

Result<void> DirStack::push(UniqueFd dir) {
  const struct stat status = TRY(stat_fd(dir.get()));
  levels_.push_back({std::move(dir), status.st_dev, status.st_ino});
  if (levels_.size() > kMaxOpen) levels_[levels_.size() - 1 - kMaxOpen].fd.reset();
  return {};
}

Result<void> DirStack::pop() {
  const Level child = std::move(levels_.back());
  levels_.pop_back();
  if (levels_.empty() || levels_.back().fd.valid()) return {};
  UniqueFd parent(::openat(child.fd.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent) return errno_error("open the parent of a deep directory");
  const struct stat status = TRY(stat_fd(parent.get()));
  if (status.st_dev != levels_.back().device || status.st_ino != levels_.back().inode) {
    return invalid("a directory was moved while its tree was being walked; try again");
  }
  levels_.back().fd = std::move(parent);
  return {};
}

}  // namespace stagebox::base
