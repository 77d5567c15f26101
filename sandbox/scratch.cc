#include "sandbox/scratch.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/files.h"
#include "runtime/base/stored_time.h"
#include "runtime/base/syscalls.h"
#include "sandbox/mounts/detached_mount.h"
#include "sandbox/mounts/mount_thread.h"

namespace stagebox::sandbox {
namespace {

using base::RelativePath;
using base::Result;
using base::UniqueFd;

constexpr int kOpenDir = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// Names are our own here, and nothing untrusted has run yet.
Result<UniqueFd> make_owned_dir(int parent, const std::string& name, uid_t uid, gid_t gid,
                                mode_t mode) {
  TRY(base::make_dir_at(parent, name, 0700));
  UniqueFd dir(::openat(parent, name.c_str(), kOpenDir));
  if (!dir) return base::errno_error("open the directory \"" + name + "\"");
  if (::fchown(dir.get(), uid, gid) != 0)
    return base::errno_error("change the owner of \"" + name + "\"");
  if (::fchmod(dir.get(), mode) != 0)
    return base::errno_error("change the mode of \"" + name + "\"");
  return dir;
}

struct TwoMounts {
  UniqueFd first;
  UniqueFd second;
};

// Two detached mounts of one that is.
Result<TwoMounts> split_mount(int mount) {
  TwoMounts mounts;
  auto done = in_own_mount_namespace([&]() -> Result<void> {
    TRY(attach_over_root(mount));
    for (UniqueFd* made : {&mounts.first, &mounts.second}) {
      made->reset(base::sys::open_tree(mount, "", AT_EMPTY_PATH | OPEN_TREE_CLONE));
      if (!*made) return base::system_error("clone a tmpfs", -made->get());
    }
    return {};
  });
  TRY(std::move(done));
  return mounts;
}

}  // namespace

Result<Scratch> Scratch::create(const Request& request) {
  Scratch scratch;
  scratch.parent_fd_ = request.parent_fd;
  scratch.name_ = request.name;
  scratch.uid_ = request.ids.first + request.user.uid;
  scratch.gid_ = request.ids.first + request.user.gid;
  const uid_t root_uid = request.ids.first;
  const gid_t root_gid = request.ids.first;
  int parent = request.parent_fd;
  std::string name = request.name;
  scratch.limits_ = request.limits;
  if (request.limits.disk) {
    scratch.tmpfs_ = TRY(make_tmpfs(*request.limits.disk, request.limits.inodes.value_or(0)));
    parent = scratch.tmpfs_.get();
    name = ".";
  }
  scratch.root_ = TRY(make_owned_dir(parent, name, root_uid, root_gid, 0700));
  // The one mount dies with the sandbox, by the other one we look at what is left (merged_views).
  if (scratch.tmpfs_ && request.input_overlays != 0) {
    TwoMounts mounts = TRY(split_mount(scratch.tmpfs_.get()));
    scratch.tmpfs_ = std::move(mounts.first);
    scratch.root_ = std::move(mounts.second);
  }
  const int root = scratch.root_.get();
  const UniqueFd upper = TRY(make_owned_dir(root, "upper", root_uid, root_gid, 0755));
  const UniqueFd work = TRY(make_owned_dir(root, "work", root_uid, root_gid, 0700));
  const UniqueFd tmp = TRY(make_owned_dir(root, "tmp", root_uid, root_gid, 01777));
  for (std::size_t i = 0; i < request.input_overlays; ++i)
    TRY(scratch.make_overlay("overlay" + std::to_string(i), request.ids.first));
  scratch.workspace_ = TRY(make_owned_dir(root, "workspace", scratch.uid_, scratch.gid_, 0755));
  return scratch;
}

Result<void> Scratch::make_overlay(const std::string& name, std::uint32_t root_id) const {
  const UniqueFd overlay = TRY(make_owned_dir(root_.get(), name, root_id, root_id, 0700));
  const UniqueFd upper = TRY(make_owned_dir(overlay.get(), "upper", uid_, gid_, 0755));
  // Shown as the input's own, whose time is this one.
  if (::utimensat(overlay.get(), "upper", base::kStoredTimes, AT_SYMLINK_NOFOLLOW) != 0)
    return base::errno_error("set the times of a copy-on-write input");
  const UniqueFd work = TRY(make_owned_dir(overlay.get(), "work", root_id, root_id, 0700));
  return {};
}

Result<UniqueFd> Scratch::overlay_upper(std::size_t index) const {
  return base::open_beneath(root_.get(), "overlay" + std::to_string(index) + "/upper",
                            O_PATH | O_DIRECTORY, base::Links::kRefuse);
}

Result<UniqueFd> Scratch::mount() const {
  if (tmpfs_) return base::duplicate(tmpfs_.get());
  return clone_mount(root_.get(), MountAccess::kReadWrite, -1);
}

Result<UniqueFd> Scratch::open_made(const RelativePath& path) const {
  UniqueFd dir = TRY(base::duplicate(workspace_.get()));
  for (const std::string& component : path.components()) {
    const bool existed = ::faccessat(dir.get(), component.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (existed) {
      dir.reset(TRY(base::open_beneath(dir.get(), component, O_RDONLY | O_DIRECTORY,
                                       base::Links::kRefuse))
                    .release());
    } else {
      dir = TRY(make_owned_dir(dir.get(), component, uid_, gid_, 0755));
    }
  }
  return dir;
}

Result<void> Scratch::make_mount_point(const RelativePath& path, InputMount::Kind kind) {
  if (path.is_self()) return {};
  if (kind == InputMount::Kind::kFile) {
    const UniqueFd file = TRY(make_file(path, 0644));
    return {};
  }
  // What is mounted on it hides it: it needs no owner of its own.
  const UniqueFd parent = TRY(open_made(path.parent()));
  return base::make_dir_at(parent.get(), path.name(), 0755);
}

Result<void> Scratch::make_directory(const RelativePath& path) {
  TRY(open_made(path));
  return {};
}

Result<UniqueFd> Scratch::make_file(const RelativePath& path, unsigned mode) {
  const UniqueFd parent = TRY(open_made(path.parent()));
  UniqueFd file(::openat(parent.get(), path.name().c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) return base::errno_error("create \"" + path.str() + "\" in the workspace");
  if (::fchown(file.get(), uid_, gid_) != 0 || ::fchmod(file.get(), mode) != 0) {
    return base::errno_error("set the owner of \"" + path.str() + "\"");
  }
  return file;
}

Result<void> Scratch::copy_file(const RelativePath& path, int source_fd, unsigned mode) {
  const UniqueFd file = TRY(make_file(path, mode));
  for (;;) {
    constexpr std::size_t kChunk = std::size_t{16} << 20;
    const ssize_t count = ::sendfile(file.get(), source_fd, nullptr, kChunk);
    if (count == 0) return {};
    if (count < 0 && errno != EINTR)
      return base::errno_error("copy \"" + path.str() + "\" into the workspace");
  }
}

std::optional<DiskGauge> Scratch::gauge() const {
  if (!tmpfs_) return std::nullopt;
  return DiskGauge(root_.get(), limits_);
}

Scratch::~Scratch() { (void)destroy(); }

Result<void> Scratch::destroy() {
  if (!root_) return {};
  workspace_.reset();
  root_.reset();
  if (tmpfs_) {
    tmpfs_.reset();
    return {};
  }
  return base::remove_tree_at(parent_fd_, name_);
}

}  // namespace stagebox::sandbox
