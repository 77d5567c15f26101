#include "images/archive_source.h"

#include <fcntl.h>

#include <cerrno>

#include "images/tar_index.h"
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
    if (!file.ok()) return file.error();
    const struct stat status = TRY(base::stat_fd(file->get()));
    if (!S_ISREG(status.st_mode)) return base::invalid("\"" + name + "\" is not a regular file");
    return std::optional(FileRange{std::make_shared<const base::UniqueFd>(std::move(*file)), 0,
                                   static_cast<std::uint64_t>(status.st_size)});
  }

 private:
  base::UniqueFd dir_;
};

}  // namespace

base::Result<std::unique_ptr<ArchiveSource>> open_archive_source(base::UniqueFd file,
                                                                 const Limits& limits) {
  const struct stat status = TRY(base::stat_fd(file.get()));
  if (S_ISDIR(status.st_mode)) {
    return std::unique_ptr<ArchiveSource>(std::make_unique<DirectorySource>(std::move(file)));
  }
  if (!S_ISREG(status.st_mode)) {
    return base::invalid("it is neither a regular file nor a directory");
  }
  FileRange whole{std::make_shared<const base::UniqueFd>(std::move(file)), 0,
                  static_cast<std::uint64_t>(status.st_size)};
  auto index = TRY(TarIndex::read(std::move(whole), limits));
  return std::unique_ptr<ArchiveSource>(std::make_unique<TarSource>(std::move(index)));
}

}  // namespace stagebox::images
