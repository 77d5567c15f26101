#include "sandbox/network/nat_neighbours.h"

#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "sandbox/network/namespace_helper.h"
#include "sandbox/network/nat_interface.h"

namespace stagebox::sandbox::network {
namespace {

using base::Result;

// The kernel's name of the table of IPv4 neighbours (net/ipv4/arp.c).
constexpr char kTable[] = "arp_cache";

// A request to rtnetlink with attributes, in a buffer of its own: after a fork of a process with
// threads nothing may allocate.
class Request {
 public:
  Request(std::uint16_t type, std::uint16_t flags) {
    header().nlmsg_len = NLMSG_LENGTH(0);
    header().nlmsg_type = type;
    header().nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  }

  void add(const void* data, std::size_t size) {
    std::memcpy(bytes_.data() + header().nlmsg_len, data, size);
    header().nlmsg_len = NLMSG_ALIGN(header().nlmsg_len + static_cast<std::uint32_t>(size));
  }
  // Where it begins, for end_nest().
  std::uint32_t add_attribute(std::uint16_t type, const void* data, std::size_t size) {
    const std::uint32_t begin = header().nlmsg_len;
    struct rtattr attribute{};
    attribute.rta_type = type;
    attribute.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size));
    add(&attribute, sizeof(attribute));
    if (size > 0) add(data, size);
    return begin;
  }
  void add_number(std::uint16_t type, std::uint32_t number) {
    add_attribute(type, &number, sizeof(number));
  }
  void end_nest(std::uint32_t begin) {
    const auto size = static_cast<std::uint16_t>(header().nlmsg_len - begin);
    std::memcpy(bytes_.data() + begin + offsetof(struct rtattr, rta_len), &size, sizeof(size));
  }

  // 0 or an errno.
  [[nodiscard]] int send(int socket) {
    if (::send(socket, bytes_.data(), header().nlmsg_len, 0) < 0) return errno;
    struct {
      struct nlmsghdr header;
      struct nlmsgerr error;
      std::array<char, 256> rest;
    } answer{};
    const ssize_t size = ::recv(socket, &answer, sizeof(answer), 0);
    if (size < 0) return errno;
    const bool whole = static_cast<std::size_t>(size) >= offsetof(decltype(answer), rest);
    if (!whole || answer.header.nlmsg_type != NLMSG_ERROR) return EBADMSG;
    return -answer.error.error;
  }

 private:
  struct nlmsghdr& header() { return *reinterpret_cast<struct nlmsghdr*>(bytes_.data()); }
  alignas(struct nlmsghdr) std::array<char, 512> bytes_{};
};

int ask_for_nobody(int socket, int interface) {
  Request request(RTM_SETNEIGHTBL, 0);
  struct ndtmsg table{};
  table.ndtm_family = AF_INET;
  request.add(&table, sizeof(table));
  request.add_attribute(NDTA_NAME, kTable, sizeof(kTable));
  const std::uint32_t parameters = request.add_attribute(NDTA_PARMS, nullptr, 0);
  request.add_number(NDTPA_IFINDEX, static_cast<std::uint32_t>(interface));
  for (const std::uint16_t probes : {NDTPA_UCAST_PROBES, NDTPA_MCAST_PROBES, NDTPA_APP_PROBES})
    request.add_number(probes, 0);
  request.end_nest(parameters);
  return request.send(socket);
}

int enter(int socket, int interface, const struct in_addr& address) {
  Request request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  struct ndmsg neighbour{};
  neighbour.ndm_family = AF_INET;
  neighbour.ndm_ifindex = interface;
  neighbour.ndm_state = NUD_PERMANENT;
  request.add(&neighbour, sizeof(neighbour));
  request.add_attribute(NDA_DST, &address, sizeof(address));
  request.add_attribute(NDA_LLADDR, kNatHardwareAddress.data(), kNatHardwareAddress.size());
  return request.send(socket);
}

// Async-signal-safe. 0 or an errno.
int fix_from_inside(const struct ifreq& named, const std::array<struct in_addr, 2>& neighbours) {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0 || any < 0) return errno;
  struct ifreq interface = named;
  if (::ioctl(any, SIOCGIFINDEX, &interface) != 0) return errno;
  int result = 0;
  for (const struct in_addr& neighbour : neighbours) {
    if (result == 0) result = enter(socket, interface.ifr_ifindex, neighbour);
  }
  return result == 0 ? ask_for_nobody(socket, interface.ifr_ifindex) : result;
}

}  // namespace

Result<void> fix_neighbours(const HandedOutNamespaces& namespaces, const char* interface,
                            const std::array<const char*, 2>& neighbours) {
  std::array<struct in_addr, 2> addresses{};
  for (std::size_t i = 0; i < neighbours.size(); ++i) {
    if (::inet_pton(AF_INET, neighbours.at(i), &addresses.at(i)) != 1)
      return base::invalid(std::string(neighbours.at(i)) + " is not an IPv4 address");
  }
  struct ifreq named{};
  std::strncpy(named.ifr_name, interface, IFNAMSIZ - 1);
  return in_namespaces(namespaces, "fix the neighbours of a network with address translation",
                       [&] { return fix_from_inside(named, addresses); });
}

}  // namespace stagebox::sandbox::network
