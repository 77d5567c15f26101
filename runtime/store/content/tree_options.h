// TreeOptions: what of a directory becomes a stored tree, and how much it may be.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/path_patterns.h"

namespace stagebox::store {

/// The .gitignore file of a directory above the one that is walked.
struct OuterIgnoreFile {
  std::string below;  ///< the way from its directory to the walked one: "a/b"
  base::PathPatterns patterns;
};

/// What becomes of fifos, sockets and devices, which cannot be stored.
enum class SpecialFiles { kRefused, kLeftOut };

/// What becomes of the files themselves once they are stored. `kTaken`: nobody needs them any more;
/// they may be moved into the store, which is faster where it is possible, or else have lost their
/// mode, owner and times. Only of stages that are dead and could hand no descriptor to anybody:
/// with the ids of the store's owner, which a sandbox's root can have, a file could be changed by
/// it. After a failure, too; but none is taken before what can be seen without reading them has
/// been found right.
enum class SourceFiles { kKept, kTaken };

/// A file that must not be stored, whatever its name is.
struct RefusedFile {
  dev_t device = 0;
  ino_t inode = 0;
  std::string why;  ///< What it is, for the message.
};

/// The one that this is; nullptr: none.
inline const RefusedFile* find_refused(std::span<const RefusedFile> refused,
                                       const struct stat& status) {
  const auto found = std::ranges::find_if(refused, [&status](const RefusedFile& file) {
    return status.st_dev == file.device && status.st_ino == file.inode;
  });
  return found != refused.end() ? &*found : nullptr;
}

struct TreeOptions {
  /// Entries that match are left out; directories that match are not entered. An exception (`!x`)
  /// is taken even if a .gitignore file says otherwise.
  base::PathPatterns exclude;
  /// Unless empty, only entries that match are taken, a directory with everything in it, and the
  /// directories that lead to them.
  base::PathPatterns include = {};
  /// Whether .gitignore files are honoured: those that are met, and after them `outer_ignores`.
  bool gitignore = false;
  std::vector<OuterIgnoreFile> outer_ignores = {};  ///< the innermost first
  /// Sum of the sizes of all regular files. The default is far beyond a source tree, yet below
  /// what fills a usual disk.
  std::uint64_t max_bytes = std::uint64_t{64} << 30U;
  /// Files, directories and links together, excluded ones too.
  std::uint64_t max_entries = 1'000'000;
  /// What its user calls that limit, for the message; may be empty.
  std::string_view max_entries_name = {};
  /// The same of one directory. This many still fit the largest Directory message that is read
  /// (kMaxDirectoryMessage).
  std::uint64_t max_directory_entries = 1'000'000;
  /// Levels below the root. 4096 is more than a path in one system call can name.
  std::size_t max_depth = 4096;
  std::span<const RefusedFile> refused = {};
  SpecialFiles special_files = SpecialFiles::kRefused;
  SourceFiles source_files = SourceFiles::kKept;
  /// Names the directory and how it is walked (by its absolute path and the patterns, say) so that
  /// files that did not change since its last walk are not read again. Empty: read everything; use
  /// that for what a stage wrote.
  std::string stat_cache_key = {};
  std::stop_token stop = {};  ///< Ends it with kCancelled, soon.
};

}  // namespace stagebox::store
