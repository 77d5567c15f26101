#include "sandbox/mounts/detached_mount.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <cerrno>
#include <string>

#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;
namespace sys = base::sys;

Result<void> set_string(int fs, const char* key, const std::string& value) {
  const int result = sys::fsconfig(fs, FSCONFIG_SET_STRING, key, value.c_str(), 0);
  if (result < 0) return base::system_error("set a tmpfs option", -result);
  return {};
}

base::Error cannot_map(int error_number) {
  base::Error error =
      base::unsupported("map the ids of a mount: " + base::errno_text(error_number) +
                        "; its file system must take id-mapped mounts "
                        "(ext4 5.12, xfs and btrfs 5.15, tmpfs 6.3), and only root may ask for it");
  error.errno_value = error_number;
  return error;
}

unsigned flags_of(MountDepth depth) {
  return AT_EMPTY_PATH | (depth == MountDepth::kWithSubmounts ? AT_RECURSIVE : 0U);
}

// What every clone gets. A copy of a shared mount is its peer, and what is mounted in one is
// mounted in all of them.
struct mount_attr clone_attributes() {
  struct mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  attributes.propagation = MS_PRIVATE;
  return attributes;
}

}  // namespace

Result<UniqueFd> clone_mount(int fd, MountAccess access, int user_namespace) {
  UniqueFd mount(sys::open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE));
  if (!mount) {
    return base::system_error(
        "clone a mount (a directory with file systems mounted below it cannot be passed in)",
        -mount.get());
  }
  struct mount_attr attributes = clone_attributes();
  if (access == MountAccess::kReadOnly) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if (user_namespace >= 0) {
    attributes.attr_set |= MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<unsigned>(user_namespace);
  }
  const int result = sys::mount_setattr(mount.get(), "", AT_EMPTY_PATH, attributes);
  if (result == -ENOSYS) {
    return base::unsupported(
        "mount_setattr is missing; read-only mounts of inputs need Linux 5.12");
  }
  if (result < 0 && user_namespace >= 0) return cannot_map(-result);
  if (result < 0) return base::system_error("set the attributes of a mount", -result);
  return mount;
}

Result<UniqueFd> clone_mounts(int fd, MountDepth depth) {
  UniqueFd mount(sys::open_tree(fd, "", OPEN_TREE_CLONE | flags_of(depth)));
  if (!mount) return base::system_error("clone a mount", -mount.get());
  const int result = sys::mount_setattr(mount.get(), "", flags_of(depth), clone_attributes());
  if (result < 0) return base::system_error("set the attributes of a mount", -result);
  return mount;
}

Result<void> map_mount_ids(int mount, int user_namespace, MountDepth depth) {
  struct mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<unsigned>(user_namespace);
  const int result = sys::mount_setattr(mount, "", flags_of(depth), attributes);
  if (result >= 0) return {};
  return cannot_map(-result);
}

Result<UniqueFd> make_tmpfs(std::uint64_t bytes, std::uint64_t inodes, Swapping swapping) {
  const UniqueFd fs(sys::fsopen("tmpfs"));
  if (!fs) return base::system_error("open a tmpfs", -fs.get());
  TRY(set_string(fs.get(), "size", std::to_string(bytes)));
  TRY(set_string(fs.get(), "nr_inodes", std::to_string(inodes)));
  TRY(set_string(fs.get(), "mode", "0700"));
  if (swapping == Swapping::kNever)
    (void)sys::fsconfig(fs.get(), FSCONFIG_SET_FLAG, "noswap", nullptr, 0);
  const int created = sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (created < 0) return base::system_error("create a tmpfs", -created);
  UniqueFd mount(sys::fsmount(fs.get(), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  if (!mount) return base::system_error("mount a tmpfs", -mount.get());
  return mount;
}

}  // namespace stagebox::sandbox
