// WalkWitness: what a walk of an input tree looked at, so that it can be told later, without
// walking and without reading, that the same walk would find the same.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/store/content/entry_stamp.h"

namespace stagebox::store {

/// Directories that were entered (a name that comes or goes shows in their stamps), and in each
/// what was taken of it, and the .gitignore file that was read. What the patterns left out is not
/// in it. Not thread-safe.
class WalkWitness {
 public:
  struct Entry {
    std::string name;
    EntryStamp stamp;
    bool operator==(const Entry&) const = default;
  };
  struct Dir {
    std::string path;  ///< From the root; "." for the root itself.
    EntryStamp stamp;
    std::vector<Entry> entries;
    bool operator==(const Dir&) const = default;
  };

  /// Before the names in it are read. The first one is the root, of which `path` is empty.
  void enter(std::string_view path, const struct stat& status);
  /// Before it is read. `dir` counts the directories in the order in which they were entered.
  void see(std::size_t dir, std::string_view name, const struct stat& status);

  /// Nothing can be said of this walk.
  void spoil();
  /// None, when nothing can be said: it was spoilt, or a path was too long to be looked at later.
  [[nodiscard]] const std::vector<Dir>& dirs() const { return dirs_; }
  std::vector<Dir> take() { return std::move(dirs_); }

 private:
  std::vector<Dir> dirs_;
  bool spoilt_ = false;
};

/// Whether nothing has changed since before `time` (ns since the epoch).
bool are_older_than(const std::vector<WalkWitness::Dir>& dirs, std::int64_t time);
/// Whether everything is as it was, below the directory `root_fd`. What cannot be looked at is not.
bool are_unchanged(const std::vector<WalkWitness::Dir>& dirs, int root_fd);

}  // namespace stagebox::store
