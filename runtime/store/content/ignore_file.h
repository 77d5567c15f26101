#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "runtime/base/result.h"

namespace stagebox::store {

struct IgnoreFile {
  struct stat status;
  std::string text;
};

/// The .gitignore at `path` in the directory, a relative path; nothing when there is none, or, as
/// git does, what is there is no regular file or behind a link. What cannot be read or has more
/// than a mebibyte is an error that names `shown`: it would not count, and what it keeps out would
/// be stored.
base::Result<std::optional<IgnoreFile>> read_ignore_file(int dir_fd, const std::string& path,
                                                         const std::string& shown);

}  // namespace stagebox::store
