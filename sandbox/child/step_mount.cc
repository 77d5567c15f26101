// The steps that build the file system. Whatever a path of the image could be, it is only ever
// resolved beneath the new root with openat2(2) and without following a link.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/syscalls.h"
#include "sandbox/child/send_descriptor.h"
#include "sandbox/child/step_files.h"
#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
namespace sys = base::sys;

namespace {

constexpr std::uint64_t kBeneath = kBeneathWithoutLinks;
constexpr std::size_t kPathMax = 4096;

const char* end_of_option(const char* at) {
  bool quoted = false;
  for (; *at != '\0' && (quoted || *at != ','); ++at) {
    if (*at == '"') quoted = !quoted;
  }
  return at;
}

const char* unquoted(char* value) {
  const std::size_t length = std::strlen(value);
  if (length < 2 || value[0] != '"' || value[length - 1] != '"') return value;
  value[length - 1] = '\0';
  return value + 1;
}

// Takes "key=value" off the front of a comma-separated list. A value in double quotes may have
// commas and loses the quotes. False at the end.
bool next_option(const char** options, char* key, const char** value, std::size_t size) {
  if (**options == '\0') return false;
  const char* comma = end_of_option(*options);
  const auto length = static_cast<std::size_t>(comma - *options);
  if (length >= size) return false;
  std::memcpy(key, *options, length);
  key[length] = '\0';
  *options = *comma == ',' ? comma + 1 : comma;
  char* equals = std::strchr(key, '=');
  *value = nullptr;
  if (equals != nullptr) {
    *equals = '\0';
    *value = unquoted(equals + 1);
  }
  return true;
}

// Whether the open file is a regular one with this content, which is at most a page.
bool holds(int file, const char* content) {
  const std::size_t length = std::strlen(content);
  char found[kPathMax];
  struct stat status{};
  return ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && length < sizeof(found) &&
         status.st_size == static_cast<off_t>(length) &&
         ::read(file, found, sizeof(found)) == static_cast<ssize_t>(length) &&
         std::memcmp(found, content, length) == 0;
}

int write_and_close(int file, const char* content) {
  const std::size_t length = std::strlen(content);
  const ssize_t written = ::write(file, content, length);
  const int error = errno;
  ::close(file);
  if (written < 0) return -error;
  return static_cast<std::size_t>(written) == length ? 0 : -EIO;
}

}  // namespace

int new_filesystem(const char* type, const char* options, unsigned attributes) {
  const int fs = sys::fsopen(type);
  if (fs < 0) return fs;
  char key[256];
  const char* value = nullptr;
  int result = 0;
  while (result >= 0 && next_option(&options, key, &value, sizeof(key))) {
    result = value != nullptr ? sys::fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0)
                              : sys::fsconfig(fs, FSCONFIG_SET_FLAG, key, nullptr, 0);
  }
  if (result >= 0) result = sys::fsconfig(fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (result >= 0) result = sys::fsmount(fs, attributes);
  ::close(fs);
  return result;
}

int StepRunner::attach(int mount_fd, int dir_fd, const char* name) {
  const unsigned to = name[0] == '\0' ? MOVE_MOUNT_T_EMPTY_PATH : 0U;
  const int result = sys::move_mount(mount_fd, "", dir_fd, name, MOVE_MOUNT_F_EMPTY_PATH | to);
  ::close(mount_fd);
  return result;
}

// Where it lies does not matter: nothing looks for it by its path. /proc of the host is always
// there (ids could not be mapped without it), and not needed any more. Below the old root the
// staging directory goes when that goes, and each unmounting waits for every processor.
int StepRunner::mount_staging() {
  staging_ = new_filesystem("tmpfs", "mode=0700", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  if (staging_ < 0) return staging_;
  const int result = sys::move_mount(staging_, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH);
  if (result < 0) return result;
  return ::fchdir(staging_) < 0 ? -errno : 0;
}

int StepRunner::attach_staging(const Step& step, const char* dir) {
  if (::mkdirat(staging_, dir, 0700) < 0) return -errno;
  return sys::move_mount(context_.fds[step.fd], "", staging_, dir, MOVE_MOUNT_F_EMPTY_PATH);
}

// mount(2) rather than fsconfig(2): its one option string holds 4 KiB where fsconfig takes 256
// bytes a value, and relative layer names keep hundreds of layers within that. Lets go with
// kernel 6.8
// ("lowerdir+").
int StepRunner::mount_overlay(const Step& step, const char* dir, const char* options) {
  if (::mkdirat(staging_, dir, 0700) < 0) return -errno;
  const unsigned long flags = step.number1 == 1 ? MS_NODEV : MS_NODEV | MS_NOSUID;
  return ::mount("overlay", dir, "overlay", flags, options) < 0 ? -errno : 0;
}

int StepRunner::open_root(const char* dir) {
  root_ = sys::openat2(staging_, dir, O_PATH | O_DIRECTORY, 0, kBeneath);
  return root_ < 0 ? root_ : 0;
}

int StepRunner::open_dir_in_root(const char* path, unsigned mode) {
  const int dir = sys::openat2(root_, path, O_PATH | O_DIRECTORY, 0, kBeneath);
  if (dir != -ENOENT) return dir;
  const char* name = nullptr;
  const int parent = open_parent_in_root(path, &name);
  if (parent < 0) return parent;
  const int made = ::mkdirat(parent, name, mode) < 0 ? -errno : 0;
  ::close(parent);
  if (made < 0 && made != -EEXIST) return made;
  return sys::openat2(root_, path, O_PATH | O_DIRECTORY, 0, kBeneath);
}

int StepRunner::open_parent_in_root(const char* path, const char** name) {
  const char* slash = std::strrchr(path, '/');
  *name = slash == nullptr ? path : slash + 1;
  if (slash == nullptr) return sys::openat2(root_, ".", O_PATH | O_DIRECTORY, 0, kBeneath);
  char parent[kPathMax];
  const auto length = static_cast<std::size_t>(slash - path);
  if (length >= sizeof(parent)) return -ENAMETOOLONG;
  std::memcpy(parent, path, length);
  parent[length] = '\0';
  return open_dir_in_root(parent, 0755);
}

int StepRunner::open_file_in_root(const char* path, int flags) {
  // O_NONBLOCK: the image may have put a FIFO there.
  flags |= O_CREAT | O_NONBLOCK | O_NOCTTY;
  const int file = sys::openat2(root_, path, flags, 0644, kBeneath);
  if (file != -ENOENT) return file;
  const char* name = nullptr;
  const int parent = open_parent_in_root(path, &name);
  if (parent < 0) return parent;
  const int made = sys::openat2(parent, name, flags, 0644, kBeneath);
  ::close(parent);
  return made;
}

int StepRunner::make_dir(const char* path, unsigned mode) {
  const int dir = open_dir_in_root(path, mode);
  if (dir < 0) return dir;
  ::close(dir);
  return 0;
}

int StepRunner::mount_new(const char* type, const Step& step, int* keep) {
  const int dir = open_dir_in_root(context_.plan.text(step.text1), 0755);
  if (dir < 0) return dir;
  const int mount =
      new_filesystem(type, context_.plan.text(step.text2), static_cast<unsigned>(step.number1));
  const int result = mount < 0 ? mount
                               : sys::move_mount(mount, "", dir, "",
                                                 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  ::close(dir);
  if (keep != nullptr) {
    *keep = mount;
  } else if (mount >= 0) {
    ::close(mount);
  }
  return result;
}

int StepRunner::mount_tmpfs(const Step& step) {
  if (tmpfs_count_ == kMaxTmpfs) return -EMFILE;
  return mount_new("tmpfs", step, &tmpfs_[tmpfs_count_++]);
}

int StepRunner::stage_from_root(const char* path, const char* dir) {
  const int source = open_dir_in_root(path, 0755);
  if (source < 0) return source;
  const int copy = sys::open_tree(source, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  ::close(source);
  if (copy < 0) return copy;
  if (::mkdirat(staging_, dir, 0700) == 0) return attach(copy, staging_, dir);
  const int error = -errno;
  ::close(copy);
  return error;
}

int StepRunner::stage_tmpfs(const char* dir, const char* options) {
  if (tmpfs_count_ == kMaxTmpfs) return -EMFILE;
  if (::mkdirat(staging_, dir, 0700) < 0) return -errno;
  const int mount = new_filesystem("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  if (mount < 0) return mount;
  tmpfs_[tmpfs_count_++] = mount;
  return sys::move_mount(mount, "", staging_, dir, MOVE_MOUNT_F_EMPTY_PATH);
}

// The root of an overlay has the owner and the mode of its upper directory.
int StepRunner::stage_upper(const Step& step, const char* dir, const char* like) const {
  const int model = sys::openat2(staging_, like, O_PATH | O_DIRECTORY, 0, kBeneath);
  if (model < 0) return model;
  struct stat status{};
  int result = ::fstat(model, &status) < 0 ? -errno : 0;
  ::close(model);
  const int parent = result < 0 ? result : sys::openat2(staging_, dir, O_PATH, 0, kBeneath);
  if (parent < 0) return parent;
  const mode_t mode =
      step.number2 == 1 ? status.st_mode & 07777U : static_cast<mode_t>(step.number1);
  // This process has no umask.
  if (::mkdirat(parent, "upper", mode) < 0 || ::mkdirat(parent, "work", 0700) < 0) {
    result = -errno;
  } else {
    const int upper = sys::openat2(parent, "upper", O_RDONLY | O_DIRECTORY, 0, kBeneath);
    result = upper;
    if (upper >= 0) {
      result = ::fchown(upper, status.st_uid, status.st_gid) < 0 ? -errno : 0;
      ::close(upper);
    }
  }
  ::close(parent);
  return result;
}

// They stay open until everything is closed that a stage does not get.
int StepRunner::report_tmpfs() const {
  const ChildReport report{ChildReport::Kind::kTmpfs, 0, 0};
  return send_bytes_with_descriptors(context_.report_fd, &report, sizeof(report), &tmpfs_[0],
                                     tmpfs_count_);
}

int StepRunner::bind_device(const Step& step, const char* path, const char* host_path) {
  // "/" of this process is still the host's; the image has no say in what is bound.
  const int device = sys::open_tree(AT_FDCWD, host_path, OPEN_TREE_CLONE);
  if (device < 0) return device;
  struct stat status{};
  const bool known = ::fstat(device, &status) == 0 &&
                     (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) &&
                     (step.number2 == 0 || status.st_rdev == step.number1);
  if (known) return attach_root(device, path, false);
  ::close(device);
  return -ENXIO;
}

int StepRunner::bind_staging(const char* path, const char* source, unsigned attributes) {
  const int mount = sys::open_tree(staging_, source, OPEN_TREE_CLONE);
  if (mount < 0) return mount;
  if (attributes != 0) {
    struct mount_attr set{};
    set.attr_set = attributes;
    const int result = sys::mount_setattr(mount, "", AT_EMPTY_PATH, set);
    // Lets go with kernel 5.12, which brought mount_setattr.
    if (result < 0 && result != -ENOSYS) {
      ::close(mount);
      return result;
    }
  }
  return attach_root(mount, path, true);
}

int StepRunner::attach_prepared(const Step& step, const char* path) {
  const int mount = context_.fds[step.fd];
  if (step.number1 != 0) {
    struct mount_attr set{};
    set.attr_set = step.number1;
    // One of several values, not bits: the kernel wants the others to be cleared.
    if ((step.number1 & MOUNT_ATTR__ATIME) != 0) set.attr_clr = MOUNT_ATTR__ATIME;
    const int result = sys::mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, set);
    if (result < 0) return result;
  }
  return attach_root(mount, path, step.kind == StepKind::kAttachRoot);
}

int StepRunner::attach_root(int mount_fd, const char* path, bool directory) {
  const int target = directory ? open_dir_in_root(path, 0755) : open_file_in_root(path, O_RDONLY);
  if (target < 0) return target;
  const int result = attach(mount_fd, target, "");
  ::close(target);
  return result;
}

int StepRunner::symlink(const char* path, const char* content) {
  const char* name = nullptr;
  const int parent = open_parent_in_root(path, &name);
  if (parent < 0) return parent;
  const int result = ::symlinkat(content, parent, name) < 0 ? -errno : 0;
  ::close(parent);
  return result == -EEXIST ? 0 : result;
}

int StepRunner::make_staging_file(const char* path, const char* content) {
  const int file = ::openat(staging_, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  return file < 0 ? -errno : write_and_close(file, content);
}

// What the bottom layer shows already is not copied up only to be written again.
int StepRunner::write_file(const char* path, const char* content) {
  const int there = sys::openat2(root_, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, kBeneath);
  if (there >= 0) {
    const bool same = holds(there, content);
    ::close(there);
    if (same) return 0;
  }
  const int file = open_file_in_root(path, O_WRONLY | O_TRUNC);
  return file < 0 ? file : write_and_close(file, content);
}

int StepRunner::open_entered_root() {
  root_ = sys::openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
  return root_ < 0 ? root_ : 0;
}

// pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one, and goes with
// all that is mounted in it. Whatever is left mounted over "/" would be in sight through "/..".
int StepRunner::enter_root() {
  if (::fchdir(root_) < 0) return -errno;
  const int result = sys::pivot_root(".", ".");
  if (result < 0) return result;
  if (::umount2(".", MNT_DETACH) < 0) return -errno;
  return ::chdir("/") < 0 ? -errno : 0;
}

}  // namespace stagebox::sandbox::child
