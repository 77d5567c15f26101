// LayerApplier's hard links: within the layer they are links; to a file of a layer below they
// become a copy, because layers are separate directories.
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "images/base/text.h"
#include "images/layer/layer_applier.h"
#include "images/tar/entry_name.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

// copy_file_range shares the blocks where the file system can; sendfile copies where it cannot.
base::Result<void> copy_content(int from, int to, std::uint64_t size) {
  bool by_range = true;
  while (size > 0) {
    const ssize_t count = by_range ? ::copy_file_range(from, nullptr, to, nullptr, size, 0)
                                   : ::sendfile(to, from, nullptr, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && by_range && errno != ENOSPC && errno != EDQUOT) {
      by_range = false;
      continue;
    }
    if (count < 0) return base::errno_error("copy it");
    if (count == 0) return base::corrupt("a file of the image store became shorter");
    size -= static_cast<std::uint64_t>(count);
  }
  return {};
}

bool is_same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace

base::Result<void> LayerApplier::add_hardlink(const TarEntry& entry,
                                              const base::RelativePath& path) {
  const auto target = TRY(parse_link_target(entry.link_target, budget_.limits()));
  if (target.is_self()) return base::invalid("it is a hard link to the root directory");
  const bool linked = TRY(link_within(target, path));
  if (linked) return {};
  if (!skipped_.contains(target.str())) return copy_from_parents(target, path);
  ++stats_.skipped_devices;
  return {};
}

base::Result<bool> LayerApplier::link_within(const base::RelativePath& target,
                                             const base::RelativePath& path) {
  const auto from = TRY(tree_.existing_place(target));
  if (!from) return false;
  const auto status = base::stat_at(from->dir_fd, from->name);
  if (!status.ok() && status.error().errno_value == ENOENT) return false;
  if (!status.ok()) return status.error();
  if (S_ISDIR(status->st_mode)) {
    return base::invalid("it is a hard link to " + quote(target.str()) + ", which is a directory");
  }
  const base::UniqueFd from_dir = TRY(base::duplicate(from->dir_fd));
  const LayerTree::Place to = TRY(tree_.place(path));
  const auto there = base::stat_at(to.dir_fd, to.name);
  if (there.ok() && is_same_file(*there, *status)) return true;
  if (there.ok()) TRY(tree_.clear(to));
  // Flags 0: a link to a symbolic link links that, and never what it points to.
  if (::linkat(from_dir.get(), from->name.c_str(), to.dir_fd, to.name.c_str(), 0) != 0) {
    return base::errno_error("link it to " + quote(target.str()));
  }
  return true;
}

base::Result<void> LayerApplier::copy_from_parents(const base::RelativePath& target,
                                                   const base::RelativePath& path) {
  const auto found = TRY(parents_.find_through_links(target.str()));
  if (!found) {
    return base::invalid("it is a hard link to " + quote(target.str()) +
                         ", which neither this layer nor one below has");
  }
  if (S_ISREG(found->status.st_mode)) return copy_file(*found, path);
  if (S_ISLNK(found->status.st_mode)) return copy_symlink(*found, path);
  if (S_ISFIFO(found->status.st_mode)) {
    const base::UniqueFd fd = TRY(open_found(*found, O_PATH | O_NOFOLLOW));
    const FileAttributes attributes = TRY(attributes_of_fd(fd.get()));
    return add_fifo(path, attributes);
  }
  return base::invalid("it is a hard link to " + quote(target.str()) + ", which is a directory");
}

base::Result<void> LayerApplier::copy_file(const ParentView::Found& found,
                                           const base::RelativePath& path) {
  const auto size = static_cast<std::uint64_t>(found.status.st_size);
  TRY(budget_.charge_files(size));
  const base::UniqueFd from = TRY(open_found(found, O_RDONLY | O_NOFOLLOW));
  const FileAttributes attributes = TRY(attributes_of_fd(from.get()));
  const LayerTree::Place place = TRY(tree_.place(path));
  const base::UniqueFd to = TRY(create_file(place, creation_mode(attributes)));
  TRY(note_xattrs(place.real_path, attributes));
  TRY(copy_content(from.get(), to.get(), size));
  if (recorder_ != nullptr) recorder_->note_other_content(place.real_path);
  return set_attributes(to.get(), attributes, ownership_, stats_, birth_);
}

base::Result<void> LayerApplier::copy_symlink(const ParentView::Found& found,
                                              const base::RelativePath& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size =
      ::readlinkat(found.layer_fd, found.path.c_str(), target.data(), target.size());
  if (size < 0) return base::errno_error("read the link " + quote(found.path));
  FileAttributes attributes;
  attributes.uid = found.status.st_uid;
  attributes.gid = found.status.st_gid;
  attributes.mtime = found.status.st_mtim;
  return add_symlink(std::string(target.data(), static_cast<std::size_t>(size)), path, attributes);
}

}  // namespace stagebox::images
