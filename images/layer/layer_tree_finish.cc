// LayerTree::finish: what is decided when all entries of a layer are there.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cerrno>
#include <ranges>
#include <utility>

#include "images/base/text.h"
#include "images/layer/layer_tree.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

base::Error whiteout_error(const std::string& path) {
  base::Error error = base::errno_error("hide " + quote(path) + " with a device 0:0");
  if (error.errno_value == EPERM) {
    error.kind = base::ErrorKind::kUnsupported;
    error.message += "; Linux 5.8 or newer lets everybody make these";
  }
  return error;
}

}  // namespace

base::Result<void> LayerTree::finish() {
  cached_fd_.reset();
  TRY(expand_opaque_root());
  const std::set<std::string> opaques = opaques_;
  for (const std::string& path : opaques) TRY(mark_opaque(path));
  // In the order of their paths: a parent is settled before what is in it.
  for (const std::string& path : whiteouts_) TRY(settle_whiteout(path));
  cached_fd_.reset();
  directories_.try_emplace("");  // implied, if it was not mentioned
  for (const auto& [path, own] : std::views::reverse(directories_)) {
    if (own) {
      TRY(finish_directory(path, *own));
    } else {
      const FileAttributes implied = TRY(implied_attributes(path));
      TRY(finish_directory(path, implied));
    }
  }
  return {};
}

// A directory that is only implied keeps what the layers below say of it: an overlay shows the
// attributes of its topmost layer.
base::Result<FileAttributes> LayerTree::implied_attributes(const std::string& real_path) {
  const auto below = TRY(parents_.find(real_path));
  if (below && S_ISDIR(below->status.st_mode)) {
    const base::UniqueFd fd = TRY(open_found(*below, O_RDONLY | O_DIRECTORY));
    return attributes_of_fd(fd.get());
  }
  if (below && S_ISLNK(below->status.st_mode)) ++stats_.hidden_links;
  FileAttributes attributes;
  attributes.uid = TRY(ownership_.on_disk(0, "user"));
  attributes.gid = TRY(ownership_.on_disk(0, "group"));
  return attributes;
}

// The kernel does not look for the mark on a layer's root, so everything there is hidden by name.
base::Result<void> LayerTree::expand_opaque_root() {
  if (opaques_.erase("") == 0) return {};
  auto names = TRY(parents_.root_names());
  for (std::string& name : names) {
    TRY(budget_.charge_entry());
    whiteouts_.insert(std::move(name));
  }
  return {};
}

base::Result<void> LayerTree::mark_opaque(const std::string& real_path) const {
  const base::UniqueFd dir = TRY(open_dir(real_path, O_RDONLY));
  if (::fsetxattr(dir.get(), kOpaqueXattr, "y", 1, 0) == 0) return {};
  base::Error error = base::errno_error("mark the directory " + quote(real_path) + " as opaque");
  if (error.errno_value == EOPNOTSUPP) {
    error.kind = base::ErrorKind::kUnsupported;
    error.message +=
        "; the file system of the image store has no user attributes (tmpfs: "
        "Linux 6.6): put STAGEBOX_HOME on ext4, xfs or btrfs";
  }
  return error;
}

bool LayerTree::below_opaque(const std::string& real_path) const {
  for (std::size_t slash = real_path.rfind('/'); slash != std::string::npos && slash > 0;
       slash = real_path.rfind('/', slash - 1)) {
    if (opaques_.contains(real_path.substr(0, slash))) return true;
  }
  return false;
}

/// True when this layer has something of its own, other than a directory, at the path or on the way
/// to it: whatever the layers below have there is hidden already.
base::Result<bool> LayerTree::is_taken(const std::string& real_path) const {
  std::string path;
  for (const std::string& part : split_path(real_path)) {
    const std::string parent = std::exchange(path, join_path(path, part));
    if (directories_.contains(path)) continue;
    const base::UniqueFd dir = TRY(open_dir(parent, O_PATH));
    const auto status = base::stat_at(dir.get(), part);
    if (status.ok()) return true;
    if (status.error().errno_value != ENOENT) return status.error();
    return false;
  }
  return false;
}

// A whiteout is written only where it hides something: in a directory that is not merged with one
// below, the device would be seen by whoever lists it.
base::Result<void> LayerTree::settle_whiteout(const std::string& real_path) {
  if (below_opaque(real_path)) return {};
  if (directories_.contains(real_path)) {
    opaques_.insert(real_path);
    return mark_opaque(real_path);
  }
  const bool hides_anyway = TRY(is_taken(real_path));
  if (hides_anyway) return {};
  const auto hidden = TRY(parents_.find(real_path));
  if (!hidden) return {};
  TRY(budget_.charge_entry());
  const auto path = TRY(base::RelativePath::parse(real_path));
  const Place where = TRY(place(path));
  if (::mknodat(where.dir_fd, where.name.c_str(), S_IFCHR | 0600, ::makedev(0, 0)) != 0) {
    return whiteout_error(real_path);
  }
  return {};
}

base::Result<void> LayerTree::finish_directory(const std::string& real_path,
                                               const FileAttributes& attributes) {
  const base::UniqueFd dir = TRY(open_dir(real_path, O_RDONLY));
  const auto done = set_attributes(dir.get(), attributes, ownership_, stats_);
  if (!done.ok()) return done.error().with_context("the directory " + quote(real_path));
  return {};
}

}  // namespace stagebox::images
