#include "images/image_use.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

std::optional<TimePoint> time_of(int dir_fd, const std::string& name) {
  const auto status = base::stat_at(dir_fd, name);
  if (!status.ok()) return std::nullopt;
  const auto since_epoch = std::chrono::seconds(status->st_mtim.tv_sec) +
                           std::chrono::nanoseconds(status->st_mtim.tv_nsec);
  return TimePoint(std::chrono::duration_cast<TimePoint::duration>(since_epoch));
}

}  // namespace

void note_use(const StoreDirs& dirs, const base::Digest& manifest) {
  const std::string name = manifest.hex();
  if (::utimensat(dirs.used.get(), name.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0) return;
  if (errno != ENOENT) return;
  (void)base::open_beneath(dirs.used.get(), name, O_WRONLY | O_CREAT, base::Links::kRefuse, 0600);
}

std::optional<TimePoint> last_use(const StoreDirs& dirs, const base::Digest& manifest) {
  return time_of(dirs.used.get(), manifest.hex());
}

std::optional<TimePoint> import_time(const StoreDirs& dirs, const base::Digest& manifest) {
  return time_of(dirs.manifests.get(), manifest.hex());
}

}  // namespace stagebox::images
