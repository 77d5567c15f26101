// The step that adds routes to the network namespace (rtnetlink(7)).
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
namespace {

// One route with one attribute, as it goes over the socket; all parts are multiples of four bytes.
struct NewRoute {
  struct nlmsghdr header;
  struct rtmsg route;
  struct rtattr destination_header;
  std::uint8_t destination[4];
};

struct Answer {
  struct nlmsghdr header;
  struct nlmsgerr error;
};

NewRoute unreachable_route(const Ipv4Prefix& prefix) {
  NewRoute message{};
  message.header.nlmsg_len = sizeof(message);
  message.header.nlmsg_type = RTM_NEWROUTE;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
  message.route.rtm_family = AF_INET;
  message.route.rtm_dst_len = prefix.bits;
  message.route.rtm_table = RT_TABLE_MAIN;
  message.route.rtm_protocol = RTPROT_BOOT;
  message.route.rtm_scope = RT_SCOPE_UNIVERSE;
  message.route.rtm_type = RTN_UNREACHABLE;
  message.destination_header.rta_len = RTA_LENGTH(sizeof(message.destination));
  message.destination_header.rta_type = RTA_DST;
  std::memcpy(message.destination, prefix.address, sizeof(message.destination));
  return message;
}

int add_route(int socket, const Ipv4Prefix& prefix) {
  const NewRoute message = unreachable_route(prefix);
  if (::send(socket, &message, sizeof(message), 0) < 0) return -errno;
  Answer answer{};
  const ssize_t size = ::recv(socket, &answer, sizeof(answer), 0);
  if (size < 0) return -errno;
  if (static_cast<std::size_t>(size) < sizeof(answer) || answer.header.nlmsg_type != NLMSG_ERROR)
    return -EBADMSG;
  return answer.error.error;
}

}  // namespace

// A route that is more precise than the default one of an interface is taken first, and without
// CAP_NET_ADMIN nobody inside can change it.
int StepRunner::make_unreachable(const char* packed, std::uint64_t count) {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (socket < 0) return -errno;
  int result = 0;
  for (std::uint64_t i = 0; i < count && result == 0; ++i) {
    Ipv4Prefix prefix{};
    std::memcpy(&prefix, packed + i * sizeof(prefix), sizeof(prefix));
    result = add_route(socket, prefix);
  }
  ::close(socket);
  return result;
}

}  // namespace stagebox::sandbox::child
