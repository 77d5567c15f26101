#include "images/archive/archive_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "images/stream/compression.h"
#include "images/stream/spool.h"
#include "images/tar/tar_index.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

class TarSource final : public ArchiveSource {
 public:
  explicit TarSource(TarIndex index) : index_(std::move(index)) {}
  base::Result<std::optional<FileRange>> find(const std::string& name) override {
    return index_.find(name);
  }
  [[nodiscard]] std::string remark() const override {
    return index_.has_end_marker() ? "" : ", and the archive has no end: it is truncated";
  }

 private:
  TarIndex index_;
};

class DirectorySource final : public ArchiveSource {
 public:
  explicit DirectorySource(base::UniqueFd dir) : dir_(std::move(dir)) {}
  base::Result<std::optional<FileRange>> find(const std::string& name) override {
    // O_NONBLOCK: a fifo in place of a file must not hold us up.
    auto file = base::open_beneath(dir_.get(), name, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                   base::Links::kFollowBeneath);
    if (!file.ok() && (file.error().errno_value == ENOENT || file.error().errno_value == ENOTDIR)) {
      return std::optional<FileRange>();
    }
    // How openat2(2) refuses it.
    if (!file.ok() && file.error().errno_value == EXDEV) {
      return base::invalid("\"" + name + "\" is a link that leaves the directory");
    }
    if (!file.ok() && file.error().errno_value == ELOOP) {
      return base::invalid("\"" + name + "\" is a link that leads nowhere");
    }
    if (!file.ok()) return file.error();
    const struct stat status = TRY(base::stat_fd(file->get()));
    if (!S_ISREG(status.st_mode)) return base::invalid("\"" + name + "\" is not a regular file");
    return std::optional(FileRange{std::make_shared<const base::UniqueFd>(std::move(*file)), 0,
                                   static_cast<std::uint64_t>(status.st_size)});
  }

 private:
  base::UniqueFd dir_;
};

base::Result<bool> is_compressed_archive(const FileRange& file) {
  std::array<std::byte, 8> first{};
  const std::size_t count = TRY(read_range(file, 0, first));
  return compression_of_magic(std::span(first).first(count)) != Compression::kNone;
}

}  // namespace

base::Result<FileRange> whole_file(base::UniqueFd file) {
  const struct stat status = TRY(base::stat_fd(file.get()));
  if (!S_ISREG(status.st_mode)) {
    return base::invalid("it is neither a regular file nor a directory");
  }
  return FileRange{std::make_shared<const base::UniqueFd>(std::move(file)), 0,
                   static_cast<std::uint64_t>(status.st_size)};
}

base::Result<base::UniqueFd> open_image_file(const std::string& path, int spool_fd,
                                             const Limits& limits, const ReadWatch& watch) {
  if (path == "-") {
    const struct stat status = TRY(base::stat_fd(STDIN_FILENO));
    // Read from its start, as any file: whoever redirects a file means all of it.
    if (S_ISREG(status.st_mode)) return base::duplicate(STDIN_FILENO);
    DescriptorStream stored(STDIN_FILENO, watch.stop);
    WatchedStream watched(stored, watch);
    return spool(watched, spool_fd, limits);
  }
  // O_NONBLOCK: a fifo must not hold us up.
  auto file = base::open_path(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file.ok() && file.error().errno_value == ENOENT) {
    return base::not_found("there is no such file");
  }
  if (!file.ok() && file.error().errno_value == EACCES) {
    return base::invalid("this user may not read it");
  }
  return file;
}

base::Result<std::unique_ptr<ArchiveSource>> open_archive_source(base::UniqueFd file,
                                                                 const Inflate& inflate,
                                                                 const Limits& limits) {
  const struct stat status = TRY(base::stat_fd(file.get()));
  if (S_ISDIR(status.st_mode)) {
    return std::unique_ptr<ArchiveSource>(std::make_unique<DirectorySource>(std::move(file)));
  }
  FileRange whole = TRY(whole_file(std::move(file)));
  const bool is_compressed = TRY(is_compressed_archive(whole));
  if (is_compressed) {
    base::UniqueFd inflated = TRY(inflate(whole));
    whole = TRY(whole_file(std::move(inflated)));
  }
  auto index = TRY(TarIndex::read(std::move(whole), limits));
  return std::unique_ptr<ArchiveSource>(std::make_unique<TarSource>(std::move(index)));
}

}  // namespace stagebox::images
