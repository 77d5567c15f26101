// The steps that take away: paths that are covered or become read-only.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/syscalls.h"
#include "sandbox/child/step_files.h"
#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
namespace sys = base::sys;

namespace {

int move_onto(int mount, int target) {
  if (mount < 0) return mount;
  const int result =
      sys::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  ::close(mount);
  return result;
}

int read_only_copy(int target) {
  const int copy = sys::open_tree(target, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE);
  if (copy < 0) return copy;
  struct mount_attr set{};
  set.attr_set = MOUNT_ATTR_RDONLY;
  const int result = sys::mount_setattr(copy, "", AT_EMPTY_PATH | AT_RECURSIVE, set);
  if (result >= 0) return copy;
  ::close(copy);
  return result;
}

int open_target(int base, const char* path) {
  return sys::openat2(base, path, O_PATH, 0, kBeneathWithoutLinks);
}

}  // namespace

// One for all that is masked: a mount costs much less than a file system. Nobody can put anything
// into it, through whichever mount.
int StepRunner::cover_directory(int target) {
  if (empty_ >= 0)
    return move_onto(sys::open_tree(empty_, "", OPEN_TREE_CLONE | AT_EMPTY_PATH), target);
  empty_ = new_filesystem("tmpfs", "size=4k,nr_inodes=1,mode=0555",
                          MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  if (empty_ < 0) return empty_;
  // It stays open: only what is attached can be copied.
  return sys::move_mount(empty_, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

// What is not there needs no cover. The null device is the host's: what the image calls so is never
// looked at (CVE-2025-31133).
int StepRunner::mask_path(const Step& step, const char* path) {
  const int target = open_target(step.number1 == 1 ? proc_ : root_, path);
  if (target < 0) return target == -ENOENT ? 0 : target;
  struct stat status{};
  int result = ::fstat(target, &status) < 0 ? -errno : 0;
  if (result >= 0 && S_ISDIR(status.st_mode)) {
    result = cover_directory(target);
  } else if (result >= 0) {
    result = move_onto(sys::open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE), target);
  }
  ::close(target);
  return result;
}

int StepRunner::make_path_read_only(const Step& step, const char* path) const {
  const int target = open_target(step.number1 == 1 ? proc_ : root_, path);
  if (target < 0) return target == -ENOENT ? 0 : target;
  const int result = move_onto(read_only_copy(target), target);
  ::close(target);
  return result;
}

// The root mount alone: those in it are as they were asked for.
int StepRunner::make_root_read_only() const {
  struct mount_attr set{};
  set.attr_set = MOUNT_ATTR_RDONLY;
  return sys::mount_setattr(root_, "", AT_EMPTY_PATH, set);
}

int StepRunner::set_root_propagation(const Step& step) const {
  constexpr std::uint64_t kFlags[] = {MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE};
  if (step.number1 >= sizeof(kFlags) / sizeof(kFlags[0])) return -EINVAL;
  struct mount_attr set{};
  set.propagation = kFlags[step.number1];
  const unsigned below = step.number2 == 1 ? AT_RECURSIVE : 0;
  return sys::mount_setattr(root_, "", AT_EMPTY_PATH | below, set);
}

}  // namespace stagebox::sandbox::child
