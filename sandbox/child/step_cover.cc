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

// The null device is the host's: what the image calls so is never looked at (CVE-2025-31133).
int cover_for(int target) {
  struct stat status{};
  if (::fstat(target, &status) < 0) return -errno;
  if (!S_ISDIR(status.st_mode)) return sys::open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE);
  return new_filesystem("tmpfs", "size=4k,nr_inodes=1,mode=0555",
                        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
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

// What is not there needs no cover.
int put_over(int base, const char* path, int (*make)(int target)) {
  const int target = sys::openat2(base, path, O_PATH, 0, kBeneathWithoutLinks);
  if (target == -ENOENT) return 0;
  if (target < 0) return target;
  const int result = move_onto(make(target), target);
  ::close(target);
  return result;
}

}  // namespace

int StepRunner::mask_path(const Step& step, const char* path) const {
  return put_over(step.number1 == 1 ? proc_ : root_, path, cover_for);
}

int StepRunner::make_path_read_only(const Step& step, const char* path) const {
  return put_over(step.number1 == 1 ? proc_ : root_, path, read_only_copy);
}

// The root mount alone: those in it are as they were asked for.
int StepRunner::make_root_read_only() const {
  struct mount_attr set{};
  set.attr_set = MOUNT_ATTR_RDONLY;
  return sys::mount_setattr(root_, "", AT_EMPTY_PATH, set);
}

int StepRunner::set_root_propagation(std::uint64_t propagation) const {
  constexpr std::uint64_t kFlags[] = {MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE};
  if (propagation >= sizeof(kFlags) / sizeof(kFlags[0])) return -EINVAL;
  struct mount_attr set{};
  set.propagation = kFlags[propagation];
  return sys::mount_setattr(root_, "", AT_EMPTY_PATH, set);
}

}  // namespace stagebox::sandbox::child
