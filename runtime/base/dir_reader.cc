#include "runtime/base/dir_reader.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "runtime/base/unique_fd.h"

namespace stagebox::base {

Result<std::vector<std::string>> list_dir_up_to(int dir_fd, std::size_t limit) {
  UniqueFd fd(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error("open a directory to list it");
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd.get()), ::closedir);
  if (!dir) return errno_error("list a directory");
  (void)fd.release();
  std::vector<std::string> names;
  errno = 0;
  while (names.size() < limit) {
    const struct dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return errno_error("list a directory");
  std::ranges::sort(names);
  return names;
}

}  // namespace stagebox::base
