// LockFile: locks of single bytes of a file in the state directory, for what two processes, or two
// stages of one, must not do at the same time. A lock belongs to a digest and goes with its owner,
// however that ends.
#pragma once

#include <cstdint>
#include <utility>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::store {

/// Open file description locks (fcntl_locking(2)), each of one byte at an offset that is made of
/// the digest: two digests share one as good as never, and then only keep each other waiting
/// without need. Closing the file lets go of all of them; one object never waits for itself.
class LockFile {
 public:
  enum class Answer : std::uint8_t {
    kTaken,
    kAnothers,
    kImpossible,  ///< The file system has no locks.
  };
  /// `name` of a file directly in the state directory; it is made where it is not there.
  static base::Result<LockFile> open(int home_fd, const char* name);
  /// Does not wait.
  [[nodiscard]] Answer take(const base::Digest& digest) const;

 private:
  explicit LockFile(base::UniqueFd file) : file_(std::move(file)) {}

  base::UniqueFd file_;  ///< Its own open file description.
};

}  // namespace stagebox::store
