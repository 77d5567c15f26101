// The steps inside the network namespace.
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {

int StepRunner::loopback_up() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -errno;
  struct ifreq request{};
  std::memcpy(request.ifr_name, "lo", sizeof("lo"));
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const int result = ::ioctl(socket, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
  ::close(socket);
  return result;
}

}  // namespace stagebox::sandbox::child
