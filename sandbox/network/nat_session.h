// NatSession: the network of one sandbox that may reach everything public. A pasta(1) process puts
// an interface into the sandbox's network namespace and turns what comes out of it into
// connections of its own (passt, "Plug A Simple Socket Transport"), so neither a bridge nor a
// firewall rule of the machine is needed. The machine itself, its loopback and all addresses that
// are not public stay out of reach: by routes that nobody inside can change, because nobody but the
// gateway and the resolver is a neighbour on the link (nat_neighbours.h), and because the interface
// lets nothing out that is for anybody else, or for all (nat_interface.h).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/base/ip_address.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/network/network_channel.h"
#include "sandbox/self_check.h"

namespace stagebox::sandbox::network {

/// For InterfaceFromOutside: every IPv4 address that is not public (IpAddress::is_public), and
/// those of this machine's own interfaces as they are now.
base::Result<std::vector<base::IpRange>> unreachable_through_nat();

/// Content of /etc/resolv.conf inside. Queries are passed on to this machine's resolver.
std::string nat_resolver_file();

/// For `doctor`: whether pasta and the device that it needs are there.
Check check_nat();

class NatSession {
 public:
  /// `namespaces` are of a sandbox with an InterfaceFromOutside that was created and not started.
  /// Returns when the interface is there. kUnsupported where pasta is not installed or cannot make
  /// the interface; the Error says what it said. Thread-safe.
  static base::Result<NatSession> start(const HandedOutNamespaces& namespaces);

  NatSession(NatSession&& other) noexcept;
  NatSession& operator=(NatSession&&) = delete;
  /// Ends it: pasta is dead afterwards. It also dies with this process, however that ends.
  ~NatSession();

 private:
  NatSession(pid_t watcher, base::UniqueFd control, base::UniqueFd messages)
      : watcher_(watcher), control_(std::move(control)), messages_(std::move(messages)) {}

  pid_t watcher_;            ///< Our child; its child is pasta.
  base::UniqueFd control_;   ///< Closed: the watcher kills pasta and ends.
  base::UniqueFd messages_;  ///< Held open: whoever writes to it must not get SIGPIPE.
};

}  // namespace stagebox::sandbox::network
