// KeyTurn: of all who want to make what belongs to a stage key at the same time, one makes it, and
// the others wait until they can take what it made: stages of one run, and of several.
#pragma once

#include <chrono>
#include <functional>
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
  struct Taken;
  /// Waits while another one has the turn, at most `longest`: `on_wait` is called once if that
  /// takes a while. kCancelled when `cancel_fd` is readable before. Whoever has a turn must not
  /// wait for another one's.
  static base::Result<Taken> wait(int home_fd, const base::Digest& key, int cancel_fd,
                                  std::chrono::milliseconds longest,
                                  const std::function<void()>& on_wait);

 private:
  explicit KeyTurn(base::UniqueFd file) : file_(std::move(file)) {}

  base::UniqueFd file_;  ///< Its own open file description: closing it ends the turn.
};

struct KeyTurn::Taken {
  bool waited = false;
  /// None after `longest`, and where the file system has no locks: what is made twice is only made
  /// in vain.
  std::optional<KeyTurn> turn = {};
};

}  // namespace stagebox::store
