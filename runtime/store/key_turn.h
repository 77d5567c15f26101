// KeyTurn: of all who want to make what belongs to a stage key at the same time, one makes it, and
// the others wait until they can take what it made: stages of one run, and of several.
#pragma once

#include <functional>
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
  /// Waits as long as another one has the turn: `on_wait` is called once if that takes a while.
  /// kCancelled when `cancel_fd` is readable before. Where the file system has no locks the turn
  /// is taken without one: what is made twice is only made in vain. Whoever has a turn must not
  /// wait for another one's.
  static base::Result<KeyTurn> wait(int home_fd, const base::Digest& key, int cancel_fd,
                                    const std::function<void()>& on_wait);

  /// Whether somebody waits for it now.
  [[nodiscard]] bool is_awaited() const;

 private:
  KeyTurn(base::UniqueFd file, const base::Digest& key) : file_(std::move(file)), key_(key) {}

  base::UniqueFd file_;  ///< Its own open file description: closing it ends the turn.
  base::Digest key_;
};

}  // namespace stagebox::store
