// Listing a directory whose size somebody else decides. For our own directories list_dir (files.h)
// is enough.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/base/result.h"

namespace stagebox::base {

/// The names in a directory without "." and "..", sorted by bytes; stops reading after `limit`
/// names, so a result of exactly `limit` names may be incomplete. `dir_fd` may be O_PATH and keeps
/// its position.
Result<std::vector<std::string>> list_dir_up_to(int dir_fd, std::size_t limit);

struct DirEntry {
  std::string name;
  bool is_directory = false;  ///< As far as the file system tells (getdents(2), d_type).
};
/// All entries but "." and "..", in no order. `dir_fd` was opened for reading; this moves its
/// position.
Result<std::vector<DirEntry>> list_entries(int dir_fd);

}  // namespace stagebox::base
