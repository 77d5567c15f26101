#include "sandbox/merged_view.h"

#include <fcntl.h>

#include <cerrno>
#include <string>

#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"
#include "sandbox/mounts/mount_thread.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;
namespace sys = base::sys;

// As an overlay with `userxattr` left its whiteouts and opaque marks (root_plan.cc).
Result<UniqueFd> mount_overlay(int upper, int lower) {
  const UniqueFd fs(sys::fsopen("overlay"));
  if (!fs) return base::system_error("open an overlay", -fs.get());
  // Without an upper directory an overlay is read-only. By descriptor, so that no path is resolved.
  const std::string directories =
      "/proc/self/fd/" + std::to_string(upper) + ":/proc/self/fd/" + std::to_string(lower);
  int result = sys::fsconfig(fs.get(), FSCONFIG_SET_STRING, "lowerdir", directories.c_str(), 0);
  if (result >= 0) result = sys::fsconfig(fs.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0);
  if (result >= 0) result = sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (result < 0) return base::system_error("look at a directory as a stage left it", -result);
  constexpr unsigned kAttributes =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  UniqueFd mount(sys::fsmount(fs.get(), kAttributes));
  if (!mount) return base::system_error("mount a directory as a stage left it", -mount.get());
  return mount;
}

// The same directory, by a mount of this thread's namespace.
Result<UniqueFd> reopen(int fd) {
  const std::string path = TRY(base::path_of(fd));
  UniqueFd found = TRY(base::open_path(path, O_PATH | O_DIRECTORY));
  const struct stat before = TRY(base::stat_fd(fd));
  const struct stat after = TRY(base::stat_fd(found.get()));
  if (before.st_dev != after.st_dev || before.st_ino != after.st_ino)
    return base::system_error("open \"" + path + "\" once more", ESTALE);
  return found;
}

}  // namespace

Result<std::vector<UniqueFd>> merged_views(const Scratch& scratch,
                                           const std::vector<CopyOnWrite>& directories) {
  std::vector<UniqueFd> views;
  auto done = in_own_mount_namespace([&]() -> Result<void> {
    // Before the root is covered: what is there is found by its path.
    std::vector<UniqueFd> lowers;
    for (const CopyOnWrite& directory : directories) lowers.push_back(TRY(reopen(directory.lower)));
    const auto attached = attach_over_root(scratch.fd());
    const bool has_path = !attached.ok() && attached.error().errno_value == EINVAL;
    if (!attached.ok() && !has_path) return attached.error();
    for (std::size_t i = 0; i < directories.size(); ++i) {
      UniqueFd upper = TRY(scratch.overlay_upper(directories[i].index));
      if (has_path) upper = TRY(reopen(upper.get()));
      views.push_back(TRY(mount_overlay(upper.get(), lowers[i].get())));
    }
    return {};
  });
  TRY(std::move(done));
  return views;
}

}  // namespace stagebox::sandbox
