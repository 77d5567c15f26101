// remove_tree_at: see files.h. The tree may be hostile: links, unreadable directories, extreme
// depth.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/dir_reader.h"
#include "runtime/base/files.h"

namespace stagebox::base {
namespace {

// Deeper directories are moved up beside the root of the removal, so that the number of open
// descriptors does not follow the depth of the tree.
constexpr std::size_t kMaxOpenDepth = 64;

class TreeRemover {
 public:
  TreeRemover(int top_fd, dev_t device) : top_fd_(top_fd), device_(device) {}

  /// Empties the directory `dir_fd`, which stands `depth` levels below the top.
  Result<void> empty_dir(int dir_fd, std::size_t depth) {
    const auto entries = TRY(list_entries(dir_fd));
    for (const DirEntry& entry : entries) TRY(remove_entry(dir_fd, entry, depth));
    return {};
  }

 private:
  // What an entry is said to be is only what is tried first.
  Result<void> remove_entry(int dir_fd, const DirEntry& entry, std::size_t depth) {
    const std::string& name = entry.name;
    if (!entry.is_directory) {
      if (::unlinkat(dir_fd, name.c_str(), 0) == 0 || errno == ENOENT) return {};
      if (errno != EISDIR && errno != EPERM) return errno_error("remove \"" + name + "\"");
    }
    if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    if (errno == ENOTDIR && entry.is_directory) return remove_entry(dir_fd, {name, false}, depth);
    if (errno != ENOTEMPTY && errno != EACCES) return errno_error("remove \"" + name + "\"");
    if (depth >= kMaxOpenDepth) return hoist(dir_fd, name);
    const auto child = TRY(open_for_removal(dir_fd, name));
    TRY(empty_dir(child.get(), depth + 1));
    if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      return errno_error("remove directory \"" + name + "\"");
    }
    return {};
  }

  // The top is emptied until it can be removed, so what is hoisted there is removed in its turn.
  Result<void> hoist(int dir_fd, const std::string& name) {
    const std::string target = ".hoisted." + std::to_string(next_hoisted_++);
    const auto child = TRY(open_for_removal(dir_fd, name));  // makes it writable: ".." changes
    if (::renameat(dir_fd, name.c_str(), top_fd_, target.c_str()) != 0) {
      return errno_error("move the deep directory \"" + name + "\"");
    }
    return {};
  }

  Result<UniqueFd> open_for_removal(int dir_fd, const std::string& name) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd fd(::openat(dir_fd, name.c_str(), kFlags));
    if (!fd && errno == EACCES) {
      (void)::fchmodat(dir_fd, name.c_str(), 0700, 0);
      fd.reset(::openat(dir_fd, name.c_str(), kFlags));
    }
    if (!fd) return errno_error("open \"" + name + "\" to remove it");
    const struct stat status = TRY(stat_fd(fd.get()));
    if (status.st_dev != device_) {
      return system_error("remove \"" + name + "\", which is on another file system", EXDEV);
    }
    if ((status.st_mode & 0700) != 0700) (void)::fchmod(fd.get(), 0700);
    return fd;
  }

  int top_fd_;
  dev_t device_;
  std::size_t next_hoisted_ = 0;
};

}  // namespace

Result<void> remove_tree_at(int dir_fd, const std::string& name) {
  if (::unlinkat(dir_fd, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return errno_error("remove \"" + name + "\"");
  UniqueFd top(::openat(dir_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top && errno == EACCES && ::fchmodat(dir_fd, name.c_str(), 0700, 0) == 0) {
    top.reset(::openat(dir_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!top) return errno_error("open \"" + name + "\" to remove it");
  (void)::fchmod(top.get(), 0700);
  TreeRemover remover(top.get(), TRY(stat_fd(top.get())).st_dev);
  for (;;) {
    TRY(remover.empty_dir(top.get(), 0));
    if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    // What was hoisted there is left.
    if (errno != ENOTEMPTY) return errno_error("remove directory \"" + name + "\"");
  }
}

}  // namespace stagebox::base
