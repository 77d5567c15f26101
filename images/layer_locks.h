// LayerLocks: who of several imports makes a layer, while the others wait for it. The lock of a
// layer is one byte of a file that never has any, so nothing is left of it, whatever becomes of its
// holder (fcntl(2), open file description locks).
//
// An import locks the layers of its image from the bottom up. What lies below a layer is part of
// its name (its chain id), so all imports that need a layer have come the same way to it: nobody
// waits in a circle.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "images/store_dirs.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

/// The locks of one import; let go by unlock() or when this is destroyed.
class LayerLocks {
 public:
  static base::Result<LayerLocks> open(const StoreDirs& dirs);

  /// Waits for the other imports that have it; `on_wait` is called once before. kCancelled when
  /// `stop` is requested meanwhile.
  base::Result<void> lock(const std::string& key, const std::stop_token& stop,
                          const std::function<void()>& on_wait);
  base::Result<void> unlock(const std::string& key);

 private:
  explicit LayerLocks(base::UniqueFd file) : file_(std::move(file)) {}
  base::Result<bool> try_lock(const std::string& key);

  base::UniqueFd file_;
};

}  // namespace stagebox::images
