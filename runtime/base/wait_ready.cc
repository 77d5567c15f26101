#include "runtime/base/wait_ready.h"

#include <poll.h>

#include <cerrno>

namespace stagebox::base {

bool wait_ready(int fd, short events, std::chrono::milliseconds timeout) {
  struct pollfd polled{fd, events, 0};
  int ready = 0;
  do {
    ready = ::poll(&polled, 1, static_cast<int>(timeout.count()));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace stagebox::base
