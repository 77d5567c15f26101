// KeyTurn: of all who want to make what belongs to a stage key at the same time, one makes it, and
// the others wait until they can take what it made: stages of one run, and of several.
#pragma once

#include <optional>
#include <utility>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/store/lock_file.h"

namespace stagebox::store {

/// A lock of the file `turns` in the state directory, which goes with its owner, however that ends.
class KeyTurn {
 public:
  struct Answer;
  /// Does not wait. Whoever has a turn must not wait for another one's.
  static base::Result<Answer> ask(int home_fd, const base::Digest& key);

 private:
  explicit KeyTurn(LockFile file) : file_(std::move(file)) {}

  LockFile file_;  ///< Closing it ends the turn.
};

struct KeyTurn::Answer {
  bool is_anothers = false;
  /// None of another one's, and where the file system has no locks: what is made twice is only made
  /// in vain.
  std::optional<KeyTurn> turn = {};
};

}  // namespace stagebox::store
