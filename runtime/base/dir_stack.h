// DirStack: the descriptors of the directories from the root of a walk down to the current one,
// for trees deeper than there are descriptors. It only keeps directories open; reading or writing
// them is the walker's business.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <climits>
#include <cstddef>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::base {

/// The longest path from a root that is opened at once: one system call takes it, with a name after
/// it.
inline constexpr std::size_t kLongestPath = PATH_MAX / 2;

/// How a directory of a walk is opened: never through a link.
inline constexpr int kOpenDir = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// Not thread-safe. The deepest kMaxOpen levels are open; a level above them is opened again
/// through its child's ".." and must then be the very directory it was (device and inode), so a
/// directory that is moved during the walk is an error and never leads elsewhere.
class DirStack {
 public:
  static constexpr std::size_t kMaxOpen = 64;

  Result<void> push(UniqueFd dir);
  /// Only when depth() > 0.
  Result<void> pop();
  /// The current directory; only when depth() > 0.
  [[nodiscard]] int top() const { return levels_.back().fd.get(); }
  [[nodiscard]] std::size_t depth() const { return levels_.size(); }

 private:
  struct Level {
    UniqueFd fd;
    dev_t device;
    ino_t inode;
  };
  std::vector<Level> levels_;
};

}  // namespace stagebox::base
