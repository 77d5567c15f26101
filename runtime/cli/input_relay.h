// InputRelay: what a file holds, through a pipe. A descriptor of the file itself would let a
// command change its mode, where it has the owner's id.
#pragma once

#include <thread>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::cli {

class InputRelay {
 public:
  InputRelay() = default;
  InputRelay(const InputRelay&) = delete;
  InputRelay& operator=(const InputRelay&) = delete;
  /// Ends it, whether all was read or not.
  ~InputRelay();

  /// Writes the regular file `from` to the pipe `to` on a thread of its own, from its position on,
  /// which stays where it is: who reads little takes nothing from the one who called us. Once.
  base::Result<void> start(int from, base::UniqueFd to);

 private:
  base::UniqueFd stop_;
  std::thread thread_;
};

}  // namespace stagebox::cli
