// The steps inside the network namespace.
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>

#include "sandbox/child/send_descriptor.h"
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

// A socket belongs to the network namespace that it was made in, whoever accepts on it later. That
// is all it takes to let a process outside serve this namespace.
int StepRunner::hand_out_listener(int channel, std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return -errno;
  struct sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* generic = reinterpret_cast<const struct sockaddr*>(&address);
  constexpr int kBacklog = 128;
  int result = 0;
  if (::bind(listener, generic, sizeof(address)) < 0 || ::listen(listener, kBacklog) < 0)
    result = -errno;
  const char byte = 0;
  if (result == 0) result = send_bytes_with_descriptor(channel, &byte, 1, listener);
  ::close(listener);
  return result;
}

// Whoever is given them may put an interface into the network namespace; paths of /proc would do
// for root alone, because nobody else may look at pid 1.
int StepRunner::hand_out_namespaces(int channel) {
  for (const char* path : {"/proc/self/ns/user", "/proc/self/ns/net"}) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    const char byte = 0;
    const int result = send_bytes_with_descriptor(channel, &byte, 1, fd);
    ::close(fd);
    if (result != 0) return result;
  }
  return 0;
}

}  // namespace stagebox::sandbox::child
