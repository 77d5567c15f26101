#include "images/layer/file_attributes.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "images/base/text.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr mode_t kWorkMode = 0600;  // until everything else is set
constexpr mode_t kSetIds = S_ISUID | S_ISGID;

base::Error chown_error(const FileAttributes& attributes) {
  base::Error error = base::errno_error("give it to user " + std::to_string(attributes.uid) +
                                        ", group " + std::to_string(attributes.gid));
  if (error.errno_value == EPERM) {
    error.message += "; only root and user namespaces with these ids mapped can do so";
  }
  return error;
}

// What a file system or this user cannot do, as opposed to what went wrong.
bool is_refusal(int error) {
  return error == EPERM || error == EACCES || error == EOPNOTSUPP || error == EINVAL ||
         error == E2BIG || error == ERANGE || error == ENOSPC;
}

base::Result<void> set_xattrs(int fd, const std::vector<Xattr>& xattrs, LayerStats& stats) {
  for (const Xattr& xattr : xattrs) {
    if (::fsetxattr(fd, xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0) == 0) {
      continue;
    }
    if (!is_refusal(errno)) return base::errno_error("set its attribute " + quote(xattr.name));
    ++stats.degraded_xattrs;
  }
  return {};
}

bool needs_chown(const FileAttributes& attributes, const LayerOwnership& ownership,
                 const Birth& birth) {
  return ownership.mode == LayerOwnership::Mode::kMapped &&
         (attributes.uid != birth.uid || attributes.gid != birth.gid);
}

std::array<struct timespec, 2> times_of(const FileAttributes& attributes) {
  return {attributes.mtime, attributes.mtime};
}

base::Result<std::vector<Xattr>> read_xattrs(int fd) {
  std::vector<Xattr> xattrs;
  std::string names(64UL << 10U, '\0');  // XATTR_LIST_MAX
  const ssize_t size = ::flistxattr(fd, names.data(), names.size());
  if (size < 0) return xattrs;
  names.resize(static_cast<std::size_t>(size));
  for (std::size_t start = 0; start < names.size();) {
    const std::string name = names.c_str() + start;
    start += name.size() + 1;
    if (!is_allowed_xattr(name)) continue;
    std::string value(64UL << 10U, '\0');  // XATTR_SIZE_MAX
    const ssize_t length = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
    if (length < 0) return base::errno_error("read the attribute " + quote(name));
    value.resize(static_cast<std::size_t>(length));
    xattrs.push_back({name, value});
  }
  return xattrs;
}

}  // namespace

std::uint64_t FileAttributes::cost() const {
  std::uint64_t bytes = sizeof(FileAttributes);
  for (const Xattr& xattr : xattrs) bytes += sizeof(Xattr) + xattr.name.size() + xattr.value.size();
  return bytes;
}

bool is_overlay_xattr(std::string_view name) {
  return name.starts_with("user.overlay.") || name.starts_with("trusted.overlay.");
}

bool is_allowed_xattr(std::string_view name) {
  if (is_overlay_xattr(name)) return false;
  return name == "security.capability" || (name.starts_with("user.") && name.size() > 5);
}

base::Result<FileAttributes> attributes_of(const TarEntry& entry, const LayerOwnership& ownership,
                                           LayerStats& stats) {
  FileAttributes attributes;
  attributes.uid = TRY(ownership.on_disk(entry.uid, "user"));
  attributes.gid = TRY(ownership.on_disk(entry.gid, "group"));
  if (!ownership.is_mapped(entry.uid) || !ownership.is_mapped(entry.gid)) ++stats.squashed_ids;
  attributes.mode = entry.mode;
  attributes.mtime = entry.mtime;
  for (const Xattr& xattr : entry.xattrs) {
    if (is_allowed_xattr(xattr.name)) {
      attributes.xattrs.push_back(xattr);
    } else {
      ++stats.dropped_xattrs;
    }
  }
  return attributes;
}

base::Result<FileAttributes> attributes_of_fd(int fd) {
  const struct stat status = TRY(base::stat_fd(fd));
  FileAttributes attributes;
  attributes.uid = status.st_uid;
  attributes.gid = status.st_gid;
  attributes.mode = status.st_mode & 07777U;
  attributes.mtime = status.st_mtim;
  attributes.xattrs = TRY(read_xattrs(fd));
  return attributes;
}

base::Result<Birth> probe_birth(int dir_fd) {
  constexpr const char* kName = ".probe";  // the directory is ours and empty
  constexpr mode_t kAll = 07777;
  const base::UniqueFd file(
      ::openat(dir_fd, kName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kAll));
  if (!file) return base::errno_error("create a file in the layer's directory");
  const struct stat status = TRY(base::stat_fd(file.get()));
  if (::unlinkat(dir_fd, kName, 0) != 0) return base::errno_error("remove a file");
  const bool has_xattrs = ::flistxattr(file.get(), nullptr, 0) > 0;
  return Birth{status.st_uid, status.st_gid, status.st_mode & kAll, has_xattrs};
}

mode_t creation_mode(const FileAttributes& attributes) {
  // user.* needs write permission, which the mode may take from an ordinary user.
  // Set-id bits would be lost with the first write, unless by a process that is root of the host.
  return attributes.xattrs.empty() ? attributes.mode & ~kSetIds : kWorkMode;
}

base::Result<void> set_attributes(int fd, const FileAttributes& attributes,
                                  const LayerOwnership& ownership, LayerStats& stats,
                                  const Birth& birth) {
  if (needs_chown(attributes, ownership, birth) &&
      ::fchown(fd, attributes.uid, attributes.gid) != 0) {
    return chown_error(attributes);
  }
  // Before the mode, see above.
  TRY(set_xattrs(fd, attributes.xattrs, stats));
  const bool mode_is_right = birth.kept_bits != 0 && creation_mode(attributes) == attributes.mode &&
                             (attributes.mode & birth.kept_bits) == attributes.mode;
  if (!mode_is_right && ::fchmod(fd, attributes.mode) != 0) {
    return base::errno_error("set its mode");
  }
  if (::futimens(fd, times_of(attributes).data()) != 0) return base::errno_error("set its time");
  return {};
}

base::Result<void> set_link_attributes(int dir_fd, const std::string& name,
                                       const FileAttributes& attributes,
                                       const LayerOwnership& ownership, const Birth& birth) {
  if (needs_chown(attributes, ownership, birth) &&
      ::fchownat(dir_fd, name.c_str(), attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return chown_error(attributes);
  }
  if (::utimensat(dir_fd, name.c_str(), times_of(attributes).data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return base::errno_error("set its time");
  }
  return {};
}

}  // namespace stagebox::images
