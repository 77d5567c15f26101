#include "runtime/base/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace stagebox::base {

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return errno_error("make a pipe");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace stagebox::base
