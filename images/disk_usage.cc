#include "images/disk_usage.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr std::uint64_t kStatBlock = 512;  // st_blocks counts these (stat(2))
// Imported paths have at most 256 components. Only the report depends on this.
constexpr int kDeepest = 300;

std::uint64_t bytes_below(int dir_fd, const std::string& name, int depth) {
  const auto status = base::stat_at(dir_fd, name);
  if (!status.ok()) return 0;
  std::uint64_t bytes = static_cast<std::uint64_t>(status->st_blocks) * kStatBlock;
  if (!S_ISDIR(status->st_mode)) return bytes / static_cast<std::uint64_t>(status->st_nlink);
  const auto dir = base::open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
  if (!dir.ok() || depth > kDeepest) return bytes;
  const auto names = base::list_dir(dir->get());
  if (!names.ok()) return bytes;
  for (const std::string& below : *names) bytes += bytes_below(dir->get(), below, depth + 1);
  return bytes;
}

}  // namespace

std::uint64_t disk_bytes(int dir_fd, const std::string& name) {
  return bytes_below(dir_fd, name, 0);
}

}  // namespace stagebox::images
