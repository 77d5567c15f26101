#include "runtime/store/content/tree_exporter.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "runtime/base/dir_reader.h"
#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/store/content/blob_reader.h"
#include "runtime/store/content/tree_writer.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

class CopyTarget : public TreeTarget {
 public:
  explicit CopyTarget(const BlobFiles& files) : files_(files) {}
  Result<void> write_file(int dir_fd, const FileEntry& entry) override {
    return export_file(files_, entry.digest, entry.executable, dir_fd, entry.name);
  }
  Result<void> finish_link(int /*dir_fd*/, const std::string& /*name*/) override { return {}; }
  Result<void> finish_dir(int /*dir_fd*/) override { return {}; }
  [[nodiscard]] unsigned dir_mode() const override { return 0755; }

 private:
  const BlobFiles& files_;
};

void remove_content(int dir_fd) {
  const auto names = base::list_dir(dir_fd);
  if (!names.ok()) return;
  for (const std::string& name : *names) (void)base::remove_tree_at(dir_fd, name);
}

}  // namespace

Result<void> export_file(const BlobFiles& files, const Digest& digest, Executable executable,
                         int dest_fd, const std::string& name) {
  const unsigned mode = executable == Executable::kYes ? 0755 : 0644;
  const UniqueFd to(
      ::openat(dest_fd, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!to) return base::errno_error("create " + base::printable(name));
  auto copied = copy_blob(files, digest, executable, to.get());
  if (copied.ok()) return {};
  (void)::unlinkat(dest_fd, name.c_str(), 0);
  return copied.error().with_context("write " + base::printable(name));
}

Result<void> export_tree(const BlobFiles& files, const Digest& root, int dest_fd) {
  // Only into an empty directory: so everything in it is ours to remove when this fails.
  const auto there = TRY(base::list_dir_up_to(dest_fd, 1));
  if (!there.empty()) return base::invalid("the destination directory is not empty");
  UniqueFd into(::openat(dest_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!into) return base::errno_error("open the destination directory");
  CopyTarget target(files);
  auto written = write_tree(files, root, std::move(into), target);
  if (!written.ok()) remove_content(dest_fd);
  return written;
}

}  // namespace stagebox::store
