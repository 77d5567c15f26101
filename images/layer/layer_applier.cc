#include "images/layer/layer_applier.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "images/base/text.h"
#include "images/layer/entry_place.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

// Runs `create`, which must not replace anything and answers as a system call does, and clears the
// way once if something is there.
template <typename Create>
base::Result<void> create_at(LayerTree& tree, const LayerTree::Place& place, Create create) {
  int error = create() == 0 ? 0 : errno;
  if (error == EEXIST) {
    TRY(tree.clear(place));
    error = create() == 0 ? 0 : errno;
  }
  if (error != 0) return base::system_error("create it", error);
  return {};
}

base::Result<void> write_at(int fd, std::span<const std::byte> data, std::uint64_t offset) {
  while (!data.empty()) {
    const ssize_t count = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("write it");
    data = data.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace

LayerApplier::LayerApplier(int root_fd, const ParentView& parents, const LayerOwnership& ownership,
                           Budget& budget)
    : root_fd_(root_fd),
      parents_(parents),
      ownership_(ownership),
      budget_(budget),
      tree_(root_fd, parents, ownership, budget, stats_) {}

base::Result<LayerStats> LayerApplier::apply(ByteStream& tar, const std::stop_token& stop) {
  TarReader reader(tar, budget_.limits());
  birth_ = TRY(probe_birth(root_fd_));
  for (;;) {
    if (stop.stop_requested()) return base::cancelled("the import was interrupted");
    const auto entry = TRY(reader.next());
    if (!entry) break;
    TRY(budget_.charge_entry());
    ++stats_.entries;
    const auto done = apply_entry(reader, *entry);
    if (!done.ok()) return done.error().with_context("the entry " + quote(entry->path));
  }
  TRY(tree_.finish());
  return stats_;
}

base::Result<LayerStats> LayerApplier::apply_recorded(LayerRecorder& tar,
                                                      const std::stop_token& stop) {
  recorder_ = &tar;
  return apply(tar, stop);
}

base::Result<void> LayerApplier::apply_entry(TarReader& reader, const TarEntry& entry) {
  const auto path = TRY(place_entry(entry, budget_.limits(), tree_));
  return path ? add(reader, entry, *path) : base::Result<void>();
}

base::Result<void> LayerApplier::add(TarReader& reader, const TarEntry& entry,
                                     const base::RelativePath& path) {
  FileAttributes attributes = TRY(attributes_of(entry, ownership_, stats_));
  switch (entry.type) {
    case TarEntry::Type::kFile:
      return add_file(reader, entry, path, attributes);
    case TarEntry::Type::kDirectory:
      return tree_.add_directory(path, std::move(attributes));
    case TarEntry::Type::kSymlink:
      return add_symlink(entry.link_target, path, attributes);
    case TarEntry::Type::kFifo:
      return add_fifo(path, attributes);
    case TarEntry::Type::kHardlink:
      return add_hardlink(entry, path);
    case TarEntry::Type::kDevice:
    case TarEntry::Type::kUnknown:
      break;
  }
  ++stats_.skipped_devices;
  TRY(budget_.charge_pending(path.str().size() + sizeof(std::string)));
  skipped_.insert(path.str());
  return {};
}

base::Result<base::UniqueFd> LayerApplier::create_file(const LayerTree::Place& place, mode_t mode) {
  base::UniqueFd fd;
  TRY(create_at(tree_, place, [&] {
    fd.reset(::openat(place.dir_fd, place.name.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    return fd ? 0 : -1;
  }));
  return fd;
}

base::Result<void> LayerApplier::note_xattrs(const std::string& real_path,
                                             const FileAttributes& attributes) {
  if (attributes.xattrs.empty()) return {};
  TRY(budget_.charge_pending(real_path.size() + sizeof(std::string)));
  with_xattrs_.insert(real_path);
  return {};
}

base::Result<void> LayerApplier::add_file(TarReader& reader, const TarEntry& entry,
                                          const base::RelativePath& path,
                                          const FileAttributes& attributes) {
  TRY(budget_.charge_files(entry.size));
  const LayerTree::Place place = TRY(tree_.place(path));
  const base::UniqueFd fd = TRY(create_file(place, creation_mode(attributes)));
  TRY(note_xattrs(place.real_path, attributes));
  TRY(write_content(reader, entry, place.real_path, fd.get()));
  return set_attributes(fd.get(), attributes, ownership_, stats_, birth_);
}

base::Result<void> LayerApplier::write_content(TarReader& reader, const TarEntry& entry,
                                               const std::string& real_path, int fd) {
  std::uint64_t end = 0;
  std::uint64_t written = 0;
  for (;;) {
    const auto data = TRY(reader.next_data());
    if (!data) break;
    if (data->offset > entry.size || data->bytes.size() > entry.size - data->offset) {
      return base::invalid("its content is longer than its header says");
    }
    TRY(write_at(fd, data->bytes, data->offset));
    if (recorder_ != nullptr) {
      TRY(recorder_->stored(real_path, data->offset, data->tar_offset, data->bytes));
    }
    end = std::max(end, data->offset + data->bytes.size());
    written += data->bytes.size();
  }
  if (recorder_ != nullptr && written < entry.size) recorder_->note_other_content(real_path);
  // A hole at the end, or a file of nothing but holes.
  if (end < entry.size && ::ftruncate(fd, static_cast<off_t>(entry.size)) != 0) {
    return base::errno_error("set its size");
  }
  return {};
}

base::Result<void> LayerApplier::add_symlink(const std::string& target,
                                             const base::RelativePath& path,
                                             const FileAttributes& attributes) {
  if (target.empty() || target.size() > base::RelativePath::kMaxBytes) {
    return base::invalid("the link has a target that is empty or longer than 4095 bytes");
  }
  const LayerTree::Place place = TRY(tree_.place(path));
  TRY(create_at(tree_, place,
                [&] { return ::symlinkat(target.c_str(), place.dir_fd, place.name.c_str()); }));
  return set_link_attributes(place.dir_fd, place.name, attributes, ownership_, birth_);
}

base::Result<void> LayerApplier::add_fifo(const base::RelativePath& path,
                                          const FileAttributes& attributes) {
  const LayerTree::Place place = TRY(tree_.place(path));
  TRY(create_at(tree_, place, [&] { return ::mkfifoat(place.dir_fd, place.name.c_str(), 0600); }));
  // Opened, because libc's fchmodat needs /proc to leave links alone. Nobody is kept waiting.
  const base::UniqueFd fd(
      ::openat(place.dir_fd, place.name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return base::errno_error("open the fifo");
  FileAttributes plain = attributes;
  plain.xattrs.clear();  // fifos take none from users
  return set_attributes(fd.get(), plain, ownership_, stats_);
}

}  // namespace stagebox::images
