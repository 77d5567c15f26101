// Services of the host: abstract sockets, its loopback, the metadata service of clouds.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
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

struct sockaddr_in internet_address(const char* host, int port) {
  struct sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  (void)::inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

void connect_internet(const char* name, const char* host, int port) {
  const struct sockaddr_in address = internet_address(host, port);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  // Packets that nobody answers are a way out too: then it is this process that is killed.
  (void)::alarm(2);
  tell(name,
       ::connect(socket, reinterpret_cast<const struct sockaddr*>(&address), sizeof(address)));
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

namespace {

// Around the routing table: to an interface's link, without any privilege.
long connect_bound(const struct sockaddr_in& address, const char* interface) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const struct timeval patience{3, 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (::setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, interface,
                   static_cast<socklen_t>(std::strlen(interface))) != 0)
    return -1;
  return ::connect(socket, reinterpret_cast<const struct sockaddr*>(&address), sizeof(address));
}

// The same with the interface named for each packet; what answers is what counts.
long exchange_through(const struct sockaddr_in& address, const char* interface) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  const struct timeval patience{1, 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  char text[] = "anybody";
  struct iovec part{text, sizeof(text)};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {};
  struct msghdr message{};
  message.msg_name = const_cast<struct sockaddr_in*>(&address);
  message.msg_namelen = sizeof(address);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
  struct in_pktinfo info{};
  info.ipi_ifindex = static_cast<int>(::if_nametoindex(interface));
  std::memcpy(CMSG_DATA(header), &info, sizeof(info));
  if (::sendmsg(socket, &message, 0) < 0) return -1;
  char answer[64];
  return ::recv(socket, answer, sizeof(answer), 0);
}

}  // namespace

// Arguments: an interface, then addresses, each with a TCP and a UDP port on which somebody
// answers.
int bound_sockets(int count, char** arguments) {
  for (int i = 1; i + 2 < count; i += 3) {
    tell("a bound socket",
         connect_bound(internet_address(arguments[i], std::atoi(arguments[i + 1])), arguments[0]));
    tell("a packet for an interface",
         exchange_through(internet_address(arguments[i], std::atoi(arguments[i + 2])),
                          arguments[0]));
  }
  return 0;
}

namespace {

// What the kernel is asked for before the packet is sent.
enum class Way { kPlain, kBound, kInterfaceOfMulticast };

long send_to_all(const struct sockaddr_in& address, const char* interface, Way way) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  const int yes = 1;
  const int far = 64;
  (void)::setsockopt(socket, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes));
  (void)::setsockopt(socket, IPPROTO_IP, IP_MULTICAST_TTL, &far, sizeof(far));
  struct ip_mreqn through{};
  through.imr_ifindex = static_cast<int>(::if_nametoindex(interface));
  if (way == Way::kBound && ::setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, interface,
                                         static_cast<socklen_t>(std::strlen(interface))) != 0)
    return -1;
  if (way == Way::kInterfaceOfMulticast &&
      ::setsockopt(socket, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof(through)) != 0)
    return -1;
  constexpr char kText[] = "to everybody";
  // More than one: who reads them may want to know more of a new one first.
  long sent = -1;
  for (int i = 0; i < 3; ++i)
    sent = ::sendto(socket, kText, sizeof(kText), 0,
                    reinterpret_cast<const struct sockaddr*>(&address), sizeof(address));
  const int error = errno;
  (void)exchange_through(address, interface);
  errno = error;
  return sent;
}

}  // namespace

// Arguments: an interface, a port, and addresses that stand for more than one machine. That
// something could be sent is told; who gets it only the others know.
int to_everybody(int count, char** arguments) {
  for (int i = 2; i < count; ++i) {
    const struct sockaddr_in address = internet_address(arguments[i], std::atoi(arguments[1]));
    tell("plain", send_to_all(address, arguments[0], Way::kPlain));
    tell("bound", send_to_all(address, arguments[0], Way::kBound));
    tell("multicast by the interface",
         send_to_all(address, arguments[0], Way::kInterfaceOfMulticast));
  }
  return 0;
}

}  // namespace attack
