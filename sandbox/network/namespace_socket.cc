#include "sandbox/network/namespace_socket.h"

#include <sched.h>
#include <sys/socket.h>

#include <cerrno>

#include "runtime/base/start_thread.h"

namespace stagebox::sandbox::network {
namespace {

base::Result<base::UniqueFd> make_socket() {
  base::UniqueFd made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) return base::errno_error("make a socket");
  return made;
}

// On a thread of its own, which ends in there.
base::Result<base::UniqueFd> make_socket_in(int network_namespace) {
  if (::setns(network_namespace, CLONE_NEWNET) != 0)
    return base::errno_error("enter the network namespace of a sandbox");
  return make_socket();
}

}  // namespace

base::Result<base::UniqueFd> tcp_socket_in(int network_namespace) {
  if (network_namespace < 0) return make_socket();
  base::Result<base::UniqueFd> made = base::UniqueFd();
  std::thread thread =
      TRY(base::start_thread("start a thread", [&] { made = make_socket_in(network_namespace); }));
  thread.join();
  return made;
}

}  // namespace stagebox::sandbox::network
