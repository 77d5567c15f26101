// KeyTurn: of all who want to make what belongs to a stage key at the same time, one makes it, and
// the others wait until they can take what it made: stages of one run, and of several.
#pragma once

#include <optional>
#include <utility>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::store {

/// A lock of one byte of the file `turns` in the state directory, at an offset that is made of the
/// key (fcntl_locking(2), open file description locks): two keys share one as good as never, and
/// then only wait for each other without need. It goes with its owner, however that ends.
class KeyTurn {
 public:
  struct Answer;
  /// Does not wait. Whoever has a turn must not wait for another one's.
  static base::Result<Answer> ask(int home_fd, const base::Digest& key);

 private:
  explicit KeyTurn(base::UniqueFd file) : file_(std::move(file)) {}

  base::UniqueFd file_;  ///< Its own open file description: closing it ends the turn.
};

struct KeyTurn::Answer {
  bool is_anothers = false;
  /// None of another one's, and where the file system has no locks: what is made twice is only made
  /// in vain.
  std::optional<KeyTurn> turn = {};
};

}  // namespace stagebox::store
