// Where a file is that may be moved: as a name in its own directory, because what is moved by a
// longer path could be led somewhere else by a link that was put into it. Internal to the store.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::store {

struct FilePlace {
  int dir_fd = -1;   ///< Somebody else's.
  std::string name;  ///< A single one.
};

/// The directory of the last file that was asked for: files come directory by directory.
class FileDirectory {
 public:
  /// Of `path` beneath `dir_fd`, which is the same each time. No link is followed. Valid until the
  /// next call.
  base::Result<FilePlace> place_of(int dir_fd, const std::string& path);

 private:
  base::UniqueFd fd_;
  std::optional<std::string> path_;
};

}  // namespace stagebox::store
