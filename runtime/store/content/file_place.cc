#include "runtime/store/content/file_place.h"

#include <fcntl.h>

#include "runtime/base/files.h"

namespace stagebox::store {

base::Result<FilePlace> FileDirectory::place_of(int dir_fd, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return FilePlace{dir_fd, path};
  const std::string parent = path.substr(0, slash);
  if (path_ != parent) {
    path_.reset();
    fd_ = TRY(base::open_beneath(dir_fd, parent, O_PATH | O_DIRECTORY | O_NOFOLLOW,
                                 base::Links::kRefuse));
    path_ = parent;
  }
  return FilePlace{fd_.get(), path.substr(slash + 1)};
}

}  // namespace stagebox::store
