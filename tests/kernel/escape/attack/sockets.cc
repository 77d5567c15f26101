// Services of the host: abstract sockets, its loopback, the metadata service of clouds.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "tests/kernel/escape/attack/attack.h"

namespace attack {
namespace {

struct AbstractName {
  explicit AbstractName(const char* name)
      : size(static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + 1 +
                                    std::strlen(name))) {
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path + 1, name, sizeof(address.sun_path) - 2);
  }
  [[nodiscard]] const struct sockaddr* get() const {
    return reinterpret_cast<const struct sockaddr*>(&address);
  }
  struct sockaddr_un address{};
  socklen_t size;
};

void connect_abstract(const char* name) {
  const AbstractName to(name);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  tell("abstract socket", ::connect(socket, to.get(), to.size));
  ::close(socket);
}

void connect_internet(const char* name, const char* host, int port) {
  struct sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  (void)::inet_pton(AF_INET, host, &address.sin_addr);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  // Packets that nobody answers are a way out too: then it is this process that is killed.
  (void)::alarm(2);
  tell(name, ::connect(socket, reinterpret_cast<struct sockaddr*>(&address), sizeof(address)));
  ::close(socket);
}

}  // namespace

// Arguments: an abstract name and a port of 127.0.0.1 on which the host listens.
int sockets(int count, char** arguments) {
  if (count != 2) return 2;
  connect_abstract(arguments[0]);
  connect_internet("loopback of the host", "127.0.0.1", std::atoi(arguments[1]));
  connect_internet("metadata service", "169.254.169.254", 80);
  connect_internet("the internet", "192.0.2.1", 80);
  return 0;
}

// Arguments: the abstract names of a stream and of a datagram socket.
int abstract_sockets(int count, char** arguments) {
  if (count != 2) return 2;
  connect_abstract(arguments[0]);
  const AbstractName to(arguments[1]);
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  tell("abstract datagram", ::sendto(socket, "X", 1, 0, to.get(), to.size));
  tell("abstract datagram socket", ::connect(socket, to.get(), to.size));
  ::close(socket);
  return 0;
}

}  // namespace attack
